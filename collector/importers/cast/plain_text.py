"""Output as plain text: its lines without control sequences, and for each character the event that it came from.

Text is joined only where a reader would read it joined. Colours, marks and modes come between two letters without
separating them; a cursor that moves separates them, and what then stands side by side on the screen is found there
(`screen_search.py`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

Place = tuple[int, int]
"""Number of the event, and the character's place in its data."""

BREAK = "\x1e"
"""Stands in a chunk's text for a movement of the cursor."""
_OSC = r"\x1b\][^\x07\x1b\x18\x1a]*(?:\x07|\x1b\\|[\x18\x1a]|(?=\x1b))"
_DCS = r"\x1b[PX^_][^\x1b\x18\x1a]*(?:\x1b\\|[\x18\x1a]|(?=\x1b))"
_INVISIBLE = re.compile(
    r"\x1b\[(?:[0-9;:]*m|0?[KJ]|(?!\?(?:47|1047|1049)[hl])[?>=<!][0-9;:$]*[ -/]*[@-~]|[0-9;]*[ -/]*[nchlqtxyp])"
    rf"|{_OSC}|{_DCS}|\x1b[ -/]+[0-~]|\x1b[=>7\\]|\r+(?=\n)|[\x00\x07\x0e\x0f\x7f]"
)
_FORWARD = re.compile(r"\x1b\[[0-9]*C")
_MOVE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[0-~]|[\x01-\x08\x0b-\x1f\x80-\x9f]")
_PAYLOAD = re.compile(rf"{_OSC}|{_DCS}")
_TERMINATOR = re.compile(r"(?:\x07|\x1b\\|[\x18\x1a])\Z")
_UNFINISHED = re.compile(
    r"(?:\r|\x1b(?:\][^\x07\x1b\x18\x1a]*\x1b?|[PX^_][^\x1b\x18\x1a]*\x1b?|\[[0-?]*[ -/]*|[ -/]*))\Z"
)
_PENDING_LIMIT = 16_384


class Chunk:
    """A stretch of output: `raw` as it is, `text` as it is read (made when it is asked for)."""

    def __init__(self, raw: str, origin: list[tuple[int, Place]]) -> None:
        self.raw = raw
        self._origin = origin
        """Where in `raw` each event's part begins, and the place of its first character."""
        self._text: str | None = None
        self._jumps = 0
        self._offsets: list[int] | None = None

    @property
    def text(self) -> str:
        """The stretch as it is read."""
        if self._text is None:
            text = self.raw
            if "\x1b" in text or not text.isprintable():
                text = _INVISIBLE.sub("", text)
                if "\x1b" in text:
                    text, self._jumps = _FORWARD.subn(" ", text)
                text = _MOVE.sub(BREAK, text)
            self._text = text
        return self._text

    @property
    def jumps(self) -> int:
        """How often the cursor jumped over cells of the same row."""
        return self._jumps if self.text else 0

    def place(self, at: int) -> Place:
        """Where the character `at` of `text` came from."""
        if self._offsets is None:
            self._offsets = _offsets(self.raw)
        return self.place_in_raw(self._offsets[at])

    def place_in_raw(self, at: int) -> Place:
        run = bisect_right(self._origin, at, key=lambda item: item[0]) - 1 if len(self._origin) > 1 else 0
        start, (event, offset) = self._origin[run]
        return event, offset + at - start

    def payloads(self) -> Iterator[tuple[int, str]]:
        """What control sequences hold that nobody sees, and where in `raw` it begins."""
        if any(begin in self.raw for begin in ("\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX")):
            for match in _PAYLOAD.finditer(self.raw):
                yield match.start() + 2, _TERMINATOR.sub("", match[0][2:])

    def slices(self, size: int) -> Iterator[str]:
        """`raw` in pieces of about `size` characters, never cut inside a control sequence."""
        start = 0
        while len(self.raw) - start > size:
            cut = self.raw.rfind("\x1b[", start + 1, start + size)
            if cut < 0:
                cut = self.raw.find("\x1b[", start + size)
            if cut < 0:
                break
            yield self.raw[start:cut]
            start = cut
        yield self.raw[start:]


def _offsets(raw: str) -> list[int]:
    """For every character of a chunk's text, its place in `raw`; the same steps as there, one by one."""
    kept: list[int] = []
    at = 0
    for match in _INVISIBLE.finditer(raw):
        kept.extend(range(at, match.start()))
        at = match.end()
    kept.extend(range(at, len(raw)))
    text = _INVISIBLE.sub("", raw)
    for shape, stand_in in ((_FORWARD, " "), (_MOVE, BREAK)):
        made: list[int] = []
        at = 0
        for match in shape.finditer(text):
            made += [*kept[at : match.start()], kept[match.start()]]
            at = match.end()
        kept = made + kept[at:]
        text = shape.sub(stand_in, text)
    return kept


class ChunkMaker:
    """Makes chunks of output events; a control sequence that an event cuts in two is put together with the next."""

    def __init__(self) -> None:
        self._pending: list[tuple[str, Place]] = []

    def feed(self, number: int, data: str) -> Chunk:
        parts = [*self._pending, (data, (number, 0))]
        raw = "".join(part for part, _ in parts) if self._pending else data
        self._pending = []
        if (cut := _unfinished(raw)) >= 0:
            self._pending, parts = _split(parts, cut)
            raw = raw[:cut]
        return Chunk(raw, _origin(parts))

    def rest(self) -> Chunk:
        """What still waits when the recording is over."""
        parts, self._pending = self._pending, []
        return Chunk("".join(part for part, _ in parts), _origin(parts))


def _unfinished(raw: str) -> int:
    """Where a control sequence begins that has not ended; -1 where none has."""
    if raw.endswith("\r"):
        return len(raw) - 1
    least = max(0, len(raw) - _PENDING_LIMIT)
    begin = raw.rfind("\x1b", least)
    if begin < 0 or not _UNFINISHED.match(raw, begin):
        return -1
    if begin == len(raw) - 1:  # it may be the first half of what ends a longer one
        earlier = raw.rfind("\x1b", least, begin)
        if earlier >= 0 and _UNFINISHED.match(raw, earlier):
            return earlier
    return begin


def _split(parts: list[tuple[str, Place]], cut: int) -> tuple[list[tuple[str, Place]], list[tuple[str, Place]]]:
    """The parts behind the character `cut`, and those before it."""
    behind, before, at = list[tuple[str, Place]](), list[tuple[str, Place]](), 0
    for part, (event, offset) in parts:
        inside = min(max(cut - at, 0), len(part))
        if part[:inside]:
            before.append((part[:inside], (event, offset)))
        if part[inside:]:
            behind.append((part[inside:], (event, offset + inside)))
        at += len(part)
    return behind, before


def _origin(parts: list[tuple[str, Place]]) -> list[tuple[int, Place]]:
    origin, at = [], 0
    for part, place in parts:
        origin.append((at, place))
        at += len(part)
    return origin


class Lines:
    """Puts the lines of chunks together, over as many as they take."""

    def __init__(self, longest: int, overlap: int) -> None:
        self._longest, self._overlap = longest, overlap
        self._carry = ""
        self._parts: list[tuple[int, Chunk, int]] = []
        """Of the line not yet ended: where in it each chunk's part begins, and where in the chunk's text."""

    @property
    def open(self) -> str:
        """The line that has not ended yet."""
        return self._carry

    def feed(self, chunk: Chunk) -> tuple[str, Origins] | None:
        """Lines that have ended, separated by line ends and breaks, with their origins; None while none has."""
        text = chunk.text
        if not text:
            return None
        begins = len(self._carry)
        whole = self._carry + text
        parts = [*self._parts, (begins, chunk, 0)]
        cut = max(text.rfind("\n"), text.rfind(BREAK))
        if cut < 0:
            if len(whole) <= self._longest:
                self._carry, self._parts = whole, parts
                return None
            keep = len(whole) - self._overlap
            self._carry, self._parts = whole[keep:], _moved(parts, keep)
            return whole, Origins(parts)
        cut += begins
        self._carry = whole[cut + 1 :]
        self._parts = [(0, chunk, cut + 1 - begins)] if self._carry else []
        return whole[:cut], Origins(parts)

    def end(self) -> tuple[str, Origins]:
        """The line that is open, ended."""
        text, parts = self._carry, self._parts
        self._carry, self._parts = "", []
        return text, Origins(parts)


def _moved(parts: list[tuple[int, Chunk, int]], by: int) -> list[tuple[int, Chunk, int]]:
    """The parts of a line of which the first `by` characters are gone."""
    first = bisect_right(parts, by, key=lambda part: part[0]) - 1
    return [(max(0, start - by), chunk, at + max(0, by - start)) for start, chunk, at in parts[first:]]


class Origins:
    """Where the characters of joined chunks came from."""

    def __init__(self, parts: list[tuple[int, Chunk, int]]) -> None:
        self._parts = parts

    def place(self, at: int) -> Place:
        start, chunk, begin = self._parts[bisect_right(self._parts, at, key=lambda part: part[0]) - 1]
        return chunk.place(begin + at - start)
