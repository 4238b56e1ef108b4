"""A terminal that knows where each character on it came from.

It is the same VT core as the one that draws, fed with the same control sequences, but every printable character is
replaced by one of its own from the private use planes (or, where it is wide, from a plane of wide characters). So the
screen's text names, cell by cell, the character of the cast that stands there, whatever moved it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from pyghostty import Terminal

from collector.importers.cast.pool import POOL, Place, Pool
from collector.terminal.text import VisibleText

_NARROW, _WIDE = 0x100000, 0x20000
_FIRST_NARROW, _FIRST = chr(_NARROW), chr(_WIDE)
_PENDING_LIMIT = 16_384
_PRINTABLE = re.compile(r"[ -~]+|[^\x00-\x1f\x7f-\x9f]")
_BLANKS = re.compile(" +")
_WIDES = re.compile(f"[{chr(_WIDE)}-{chr(_WIDE + POOL - 1)}]")
_STAND_INS = re.compile(f"[{chr(_WIDE)}-{chr(_NARROW + POOL - 1)}]+")
_ALTERNATE = re.compile(r"\x1b\[\?(?:47|1047|1049)[hl]")
_SHOWN_MOST = 1000
_STAYS = ("\n", "\r", "\a", "")
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<style>\x1b\[[0-9;:]*m)"
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
        if len(self._from) == 1 and start < end:
            event, offset = self._from[0]
            yield self.text[start:end], (event, offset + start)
            return
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


class Shadow:
    """Feed it output; it yields at every moment at which the screen, or the bytes since, should be looked at."""

    def __init__(self, columns: int, rows: int, widths: Widths) -> None:
        self._terminal = Terminal(columns, rows, scrollback=0)
        self._visible = VisibleText(self._terminal._t[0])
        self._columns, self._rows = columns, rows
        self._since_move = rows + 2  # lines that have come since the cursor was last moved
        self._widths = widths
        self._pools = Pool(_NARROW), Pool(_WIDE)
        self._pending: list[tuple[str, Place]] = []
        self.plain = Traced()
        """Output of the current line, without control sequences."""
        self.payloads: list[Traced] = []
        """Texts inside control sequences (titles, links, the clipboard) since the last moment."""
        self.line_ended = False
        self.shown: list[str] | None = None
        """The output's text since somebody put an empty list here, as far as it is needed."""
        self.alternate = False

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
            kind = match.lastgroup
            if kind == "style":
                fed.append(match[0])
                continue
            start, end = match.span()
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
            if kind == "erase" and _ALTERNATE.fullmatch(match[0]):
                self.alternate = match[0].endswith("h")
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
        if self.shown is not None and len(self.shown) < _SHOWN_MOST:
            self.shown.append(text)
        if text.isascii():
            self._run(text, whole, start, 1, fed)
            return
        for match in _PRINTABLE.finditer(text):
            width = self._widths(match[0][0])
            if width:
                self._run(match[0], whole, start + match.start(), width, fed)

    def _run(self, text: str, whole: Traced, at: int, width: int, fed: list[str]) -> None:
        for piece, place in whole.runs(at, at + len(text)):
            self.plain.add(piece, place)
            self._stand_in(piece, place, self._pools[width - 1], fed)

    def _stand_in(self, text: str, place: Place, pool: Pool, fed: list[str]) -> None:
        """Blanks stay what they are: the screen's own cannot be told from them."""
        event, offset = place
        while text:
            if not text.strip(" "):
                fed.append(text)
                return
            on_screen = ""
            if pool.needs_screen():
                self._flush(fed)
                on_screen = self._visible.read(self._columns, self._rows)
            made, rest = pool.take(text, (event, offset), on_screen)
            fed.append(_spaced(made, text) if " " in text else made)
            text, offset = rest, offset + len(made)

    def rows(self) -> Iterator[str]:
        """The screen's lines as stand-ins; rows that are full are joined with the next, as wrapped text is."""
        line = ""
        rows = self._visible.read(self._columns, self._rows).split("\n")
        for number, row in enumerate(rows):
            line += row
            wide = len(_WIDES.findall(row)) if self._pools[1].used else 0
            following = rows[number + 1][:1] if number + 1 < len(rows) else ""
            cells = len(row) + wide
            if cells >= self._columns or (cells == self._columns - 1 and following and ord(following) >= _WIDE):
                continue
            yield line
            line = ""
        if line:
            yield line

    def age(self, row: str) -> tuple[int, ...]:
        """Tells a row of stand-ins from a later one that reads alike: their characters were given out anew."""
        if not (self._pools[0].wrapped or self._pools[1].wrapped):
            return ()
        shown = row.strip()
        return tuple(self._pool(c).uses(c) for c in (shown[0], shown[-1]) if c >= _FIRST)

    def read(self, row: str) -> str:
        """The text that a row of stand-ins shows."""
        parts: list[str] = []
        at = 0
        for match in _STAND_INS.finditer(row):
            start, stop = match.span()
            parts.append(row[at:start])
            at = start
            while at < stop:
                text, stand_ins, _ = self._pool(row[at]).run(row[at])
                size = min(len(text), stop - at)
                if row[at : at + size] != stand_ins[:size]:
                    size = 1
                parts.append(text[:size])
                at += size
        parts.append(row[at:])
        return "".join(parts)

    def place(self, character: str) -> Place:
        """Where a stand-in came from; (-1, 0) for what is none, a blank."""
        return self._pool(character).run(character)[2] if character >= _FIRST else (-1, 0)

    def _pool(self, character: str) -> Pool:
        return self._pools[character < _FIRST_NARROW]


def _spaced(made: str, text: str) -> str:
    """`made` with blanks where `text` has them."""
    parts: list[str] = []
    start = 0
    for blanks in _BLANKS.finditer(text, 0, len(made)):
        parts += (made[start : blanks.start()], blanks[0])
        start = blanks.end()
    parts.append(made[start:])
    return "".join(parts)
