"""A shadow of the terminal that is drawn: it shows, cell by cell, from which character of the cast the cell came.

It is the same VT core as the one that draws, fed with the same control sequences, but every printable character is
replaced by one of its own from the private use planes (or, where it is wide, from a plane of wide characters). So the
screen names, cell by cell, the character of the cast that stands there, whatever moved it.
"""

from __future__ import annotations

import re

from pyghostty import Terminal

from collector.importers.cast.plain_text import Chunk, Place
from collector.importers.cast.pool import ScreenPool
from collector.terminal.grid import Grid, text_of

_NARROW, _WIDE = 0x100000, 0x20000
_FIRST_NARROW, _FIRST = chr(_NARROW), chr(_WIDE)
_RUN = re.compile(
    r"((?:\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\x18\x1a]*(?:\x07|\x1b\\|[\x18\x1a])?"
    r"|\x1b[PX^_][^\x1b\x18\x1a]*(?:\x1b\\|[\x18\x1a])?|\x1b[ -/]*[0-~]|[\x00-\x1f\x7f-\x9f])*)([^\x00-\x1f\x7f-\x9f]*)"
)
_ONE_BY_ONE = re.compile(r"[ -~]+|[^ -~]")
SLICE = 4096
"""Characters at most that are fed between two looks at the screen."""


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
    """Feed it what the drawn terminal is fed; `row` and `came_from` give the origins of a row's characters."""

    def __init__(self, columns: int, rows: int, widths: Widths) -> None:
        self._grid = Grid(columns, rows)
        self._widths = widths
        self._pools = ScreenPool(_NARROW), ScreenPool(_WIDE)
        self._chunk: Chunk | None = None
        self._start = 0
        """Where in the chunk the slice begins that is being fed."""

    def resize(self, columns: int, rows: int) -> None:
        self._grid.resize(columns, rows)

    def begin(self, chunk: Chunk) -> None:
        """What is fed next are the slices of `chunk`, in order."""
        self._chunk, self._start = chunk, 0

    def feed(self, piece: str) -> None:
        for pool in self._pools:
            pool.reserve(len(piece), self._points)
        self._grid.feed(_RUN.sub(self._stood_in, piece))
        self._start += len(piece)

    def _stood_in(self, match: re.Match[str]) -> str:
        text: str = match[2]
        if not text:
            return match[1] or ""
        at = self._start + match.start(2)
        if text.isascii():
            return str(match[1]) + self._stand_ins(text, at, self._pools[0])
        made = [match[1]]
        for part in _ONE_BY_ONE.finditer(text):
            width = self._widths(part[0]) if len(part[0]) == 1 else 1
            if width:
                made.append(self._stand_ins(part[0], at + part.start(), self._pools[width - 1]))
        return "".join(made)

    def _stand_ins(self, text: str, at: int, pool: ScreenPool) -> str:
        """Blanks stay what they are: they cannot be distinguished from the screen's own."""
        assert self._chunk is not None
        made = pool.take(text, self._chunk.place_in_raw(at))
        if " " not in text:
            return made
        words, at = [], 0
        for word in text.split(" "):
            words.append(made[at : at + len(word)])
            at += len(word) + 1
        return " ".join(words)

    def _points(self) -> str:
        self._grid.changed()
        return "".join(map(text_of, self._grid.rows))

    def row(self, y: int) -> str:
        """The stand-ins of a row, one a column."""
        return text_of(self._grid.rows[y]) if y < len(self._grid.rows) else ""

    def look(self) -> None:
        """Rows are from now on as they are now."""
        self._grid.changed()

    def came_from(self, character: str) -> tuple[str, Place] | None:
        """What a stand-in stands for, and where that came from; None for what is none, a blank."""
        if character < _FIRST:
            return None
        pool = self._pools[character < _FIRST_NARROW]
        return pool.get(character)
