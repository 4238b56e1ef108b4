"""Limits the work that a cast may ask for: time and memory are in proportion to the bytes read, whatever they ask.

A few bytes can ask a terminal for much: repeat the last character 65,535 times, blank a screen of 100,000 cells, show
one for 24 hours. What recordings of real programs ask for is far below what is allowed here.
"""

from __future__ import annotations

import re

from manifests.errors import GoaltraceError

PER_BYTE, AT_FIRST = 128, 2**25
"""Units of work (a repeated cell, about 10 ns) for each byte read, and for any cast."""
_BLANKED = 24
"""Cells that are blanked in the time in which one is repeated."""
_COSTLY = re.compile(r"\x1b(?:\[(?:(\d*)b|\?(?:1049|1047|47)[hl]|\??[\d;]*[JLMST])|#8|c|M)")
_BEGUN = re.compile(r"\x1b(?:\[[\d;?]{0,16}|#)?\Z")
_RESIZE = 2
PX_PER_BYTE, PX_AT_FIRST = 20_000, 2**32
"""Pixels to be encoded for each byte of a cast, and for any cast: about a minute's work."""


class WorkMeter:
    """Adds up what a cast's events ask of the terminal; one cast, in order."""

    def __init__(self, where: str, columns: int, rows: int) -> None:
        self._where, self._cells = where, columns * rows
        self._done, self._read = 0, 0
        self._begun = ""

    def resize(self, columns: int, rows: int) -> None:
        self._cells = columns * rows
        self._done += self._cells

    def output(self, data: str, size: int) -> None:
        """An output of `size` bytes in the file; `GoaltraceError` when that is too much work for the bytes so far."""
        self._read += size
        if not self._begun and "\x1b" not in data:
            return
        data = self._begun + data
        for costly in _COSTLY.finditer(data):
            repeated = costly[1]
            self._done += self._cells // _BLANKED + 50 if repeated is None else min(int(repeated[:6] or 1), 65_535)
        begun = _BEGUN.search(data[-20:])  # a sequence may be cut by the end of an event
        self._begun = begun[0] if begun else ""
        if self._done > AT_FIRST + PER_BYTE * self._read:
            raise GoaltraceError(
                f"{self._where}: asks a terminal for much more work than its size allows (repeats, erasures); "
                "no recording of real use does"
            )


def require_drawable(where: str, size: int, pictures: int, resizes: int, width: int, height: int) -> None:
    """Raise `GoaltraceError` where drawing a cast of `size` bytes takes far more than its size allows.

    `pictures` are whole ones (key frames), of `width` x `height` px.
    """
    px = (pictures + _RESIZE * resizes) * width * height
    if px > PX_AT_FIRST + PX_PER_BYTE * size:
        raise GoaltraceError(
            f"{where}: {pictures:,} pictures of {width}x{height} px and {resizes:,} resizes are too much for a cast of "
            f"{size:,} bytes; cut its pauses (goaltrace import cast --idle-limit SECONDS)"
        )
