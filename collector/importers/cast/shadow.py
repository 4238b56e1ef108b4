"""A terminal that knows where each character on it came from.

It is the same VT core as the one that draws, fed with the same control sequences, but every printable character is
replaced by one of its own from the private use planes (or, where it is wide, from a plane of wide characters). So the
screen's text names, cell by cell, the character of the cast that stands there, whatever moved it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from pyghostty import Terminal

Place = tuple[int, int]
"""Number of the event, and the character's place in its data."""

_NARROW, _WIDE = 0x100000, 0x20000
_POOL, _BLOCK = 65_024, 512
_PENDING_LIMIT = 16_384
_PRINTABLE = re.compile(r"[ -~]+|[^\x00-\x1f\x7f-\x9f]")
_STAYS = ("\n", "\r", "\a", "")
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<line>\n)"
    r"|\x1b\](?P<osc>[^\x07\x1b\x18\x1a]*)(?:\x07|\x1b\\|[\x18\x1a])"
    r"|\x1b[PX^_](?P<dcs>[^\x1b\x18\x1a]*)(?:\x1b\\|[\x18\x1a])"
    r"|(?P<erase>\x1b\[[0-?]*[JKhlLMPX]|\x1bc|\r(?!\n))"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    r"|(?P<unfinished>\x1b(?:\][^\x07\x1b\x18\x1a]*\x1b?|[PX^_][^\x1b\x18\x1a]*\x1b?|\[[0-?]*[ -/]*|[ -/]*)\Z)"
    r"|[\x00-\x1f\x7f-\x9f]"
)


class Traced:
    """Text put together from pieces of events, and the way back."""

    def __init__(self) -> None:
        self.text = ""
        self._starts: list[int] = []
        self._from: list[Place] = []
        self._parts: list[str] = []
        self.size = 0

    def add(self, text: str, place: Place) -> None:
        self._starts.append(self.size)
        self._from.append(place)
        self._parts.append(text)
        self.size += len(text)

    def join(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        self.text = self._parts[0] if self._parts else ""
        return self.text

    def place(self, at: int) -> Place:
        run = bisect_right(self._starts, at) - 1
        event, offset = self._from[run]
        return event, offset + at - self._starts[run]

    def part(self, start: int, end: int) -> Traced:
        """The characters [start, end) as a text of their own."""
        made = Traced()
        for text, place in self.runs(start, end):
            made.add(text, place)
        made.join()
        return made

    def runs(self, start: int, end: int) -> Iterator[tuple[str, Place]]:
        """The characters [start, end), event by event."""
        at = start
        while at < end:
            run = bisect_right(self._starts, at) - 1
            stop = min(end, self._starts[run + 1] if run + 1 < len(self._starts) else end)
            yield self.text[at:stop], self.place(at)
            at = stop


class Widths:
    """How many cells a character takes, as the VT core has it."""

    def __init__(self) -> None:
        self._terminal = Terminal(8, 2, scrollback=0)
        self._known: dict[str, int] = {}

    def __call__(self, character: str) -> int:
        if " " <= character <= "~":
            return 1
        known = self._known.get(character)
        if known is None:
            self._terminal.feed("\r\x1b[2K" + character)
            known = self._known[character] = int(self._terminal.cursor[0])
        return known


class _Pool:
    """Characters that stand for others, given out in turn, never one that is still on the screen."""

    def __init__(self, first: int) -> None:
        self.first = first
        self._all = "".join(map(chr, range(first, first + _POOL)))
        self._event = np.zeros(_POOL, np.int64)
        self._offset = np.zeros(_POOL, np.int64)
        self._original = np.zeros(_POOL, np.uint32)
        self._next = 0
        self._wrapped = False

    def take(self, text: str, place: Place, on_screen: str) -> tuple[str, str]:
        """Stand-ins for the start of `text`, and the rest of it for another call."""
        at = self._next
        if at % _BLOCK == 0 and self._wrapped:
            at = self._free(at, on_screen)
        count = min(len(text), _BLOCK - at % _BLOCK)
        part = slice(at, at + count)
        self._event[part] = place[0]
        self._offset[part] = np.arange(place[1], place[1] + count)
        self._original[part] = np.frombuffer(text[:count].encode("utf-32-le"), np.uint32)
        self._next = (at + count) % _POOL
        self._wrapped = self._wrapped or self._next == 0
        return self._all[part], text[count:]

    def needs_screen(self) -> bool:
        return self._wrapped and self._next % _BLOCK == 0

    def _free(self, at: int, on_screen: str) -> int:
        points = np.frombuffer(on_screen.encode("utf-32-le"), np.uint32).astype(np.int64) - self.first
        used = set((points[(points >= 0) & (points < _POOL)] // _BLOCK).tolist())
        for step in range(_POOL // _BLOCK):
            block = (at // _BLOCK + step) % (_POOL // _BLOCK)
            if block not in used:
                return block * _BLOCK
        return at

    def original(self, character: str) -> tuple[str, Place]:
        at = ord(character) - self.first
        return chr(self._original[at]), (int(self._event[at]), int(self._offset[at]))


class Shadow:
    """Feed it output; it yields at every moment at which the screen, or the bytes since, should be looked at."""

    def __init__(self, columns: int, rows: int, widths: Widths) -> None:
        self._terminal = Terminal(columns, rows, scrollback=0)
        self._columns, self._rows = columns, rows
        self._since_move = rows + 2  # lines that have come since the cursor was last moved
        self._widths = widths
        self._pools = _Pool(_NARROW), _Pool(_WIDE)
        self._pending: list[tuple[str, Place]] = []
        self.plain = Traced()
        """Output of the current line, without control sequences."""
        self.payloads: list[Traced] = []
        """Texts inside control sequences (titles, links, the clipboard) since the last moment."""
        self.line_ended = False

    def resize(self, columns: int, rows: int) -> None:
        self._terminal.resize(columns, rows)
        self._columns, self._rows, self._since_move = columns, rows, 0

    def feed(self, number: int, data: str) -> Iterator[None]:
        whole = Traced()
        for part, place in self._pending:
            whole.add(part, place)
        whole.add(data, (number, 0))
        text = whole.join()
        self._pending = []
        fed: list[str] = []
        for match in _TOKEN.finditer(text):
            kind, start, end = match.lastgroup, match.start(), match.end()
            if kind == "text":
                self._text(match[0], whole, start, fed)
                continue
            if kind == "unfinished":
                if end - start < _PENDING_LIMIT:
                    self._pending = list(whole.runs(start, end))
                    break
                self.payloads.append(whole.part(start, end))
            elif kind in ("line", "erase"):
                self._flush(fed)
                self.line_ended = match[0] in "\r\n"
                yield
                if self.line_ended:
                    self.plain, self.line_ended = Traced(), False
                self._since_move += 1
            elif kind in ("osc", "dcs"):
                self.payloads.append(whole.part(match.start(kind), match.end(kind)))
            if (kind == "erase" or match[0] not in _STAYS) and not match[0].endswith("m"):
                self._since_move = 0
            fed.append(match[0])
        self._flush(fed)
        yield

    @property
    def rearranged(self) -> bool:
        """True if text on the screen may stand beside text that came at another time."""
        return self._since_move <= self._rows + 1

    def _flush(self, fed: list[str]) -> None:
        if fed:
            self._terminal.feed("".join(fed).encode("utf-8", "replace"))
            fed.clear()

    def _text(self, text: str, whole: Traced, start: int, fed: list[str]) -> None:
        for match in _PRINTABLE.finditer(text):
            run, at = match[0], start + match.start()
            width = self._widths(run[0])
            if width == 0:
                continue
            while run:
                place = whole.place(at)
                same = 1 if len(run) == 1 else self._same_event(whole, at, len(run))
                piece = run[:same]
                self.plain.add(piece, place)
                self._stand_in(piece, place, self._pools[width - 1], fed)
                run, at = run[same:], at + same

    def _same_event(self, whole: Traced, at: int, count: int) -> int:
        first, last = whole.place(at), whole.place(at + count - 1)
        if first[0] == last[0]:
            return count
        return next(n for n in range(1, count) if whole.place(at + n)[0] != first[0])

    def _stand_in(self, text: str, place: Place, pool: _Pool, fed: list[str]) -> None:
        event, offset = place
        while text:
            if text[0] == " ":
                blanks = len(text) - len(text.lstrip(" "))
                fed.append(text[:blanks])
                text, offset = text[blanks:], offset + blanks
                continue
            word = text.partition(" ")[0]
            on_screen = ""
            if pool.needs_screen():
                self._flush(fed)
                on_screen = self._terminal.text()
            made, rest = pool.take(word, (event, offset), on_screen)
            fed.append(made)
            text, offset = text[len(word) - len(rest) :], offset + len(word) - len(rest)

    def rows(self) -> Iterator[str]:
        """The screen's lines as stand-ins; rows that are full are joined with the next, as wrapped text is."""
        line = ""
        rows = self._terminal.text().split("\n")
        for number, row in enumerate(rows):
            line += row
            wide = sum(1 for c in row if _WIDE <= ord(c) < _NARROW) if row and not row.isascii() else 0
            following = rows[number + 1][:1] if number + 1 < len(rows) else ""
            cells = len(row) + wide
            if cells >= self._columns or (cells == self._columns - 1 and following and ord(following) >= _WIDE):
                continue
            yield line
            line = ""
        if line:
            yield line

    def read(self, row: str) -> tuple[str, list[Place]]:
        """The text that a row of stand-ins shows, and where each character came from; (-1, 0) for blanks."""
        text, places = [], []
        for character in row:
            point = ord(character)
            if point < _WIDE:
                text.append(character)
                places.append((-1, 0))
                continue
            original, place = self._pools[0 if point >= _NARROW else 1].original(character)
            text.append(original)
            places.append(place)
        return "".join(text), places
