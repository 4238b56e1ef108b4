"""Reads a terminal's screen back from its pixels alone, by comparing every cell with what the renderer draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collector.terminal.cast import Cast, CastEvent, open_cast, write_cast
from collector.terminal.geometry import CELL_HEIGHT, CELL_WIDTH
from collector.terminal.render import extent_of, render_cast
from manifests.secrets import MASK

_LETTERS = "".join(map(chr, range(33, 127))) + "ñßäöüйпаролькодКパスワード" + MASK
_STYLES = ("0", "7", *(str(colour) for colour in range(31, 37)))
_ROWS, _COLUMNS = len(_STYLES), 2 * len(_LETTERS)
UNKNOWN = "\ufffd"


class Reader:
    """Knows every letter in every style that the corpus uses."""

    def __init__(self, folder: Path) -> None:
        path = folder / "alphabet.cast"
        drawn = "".join(f"\x1b[{y};1H\x1b[{style}m{_LETTERS}" for y, style in enumerate(_STYLES, start=1))
        header = {"version": 3, "term": {"cols": _COLUMNS, "rows": _ROWS}}
        write_cast(path, header, [CastEvent(0, "o", "\x1b[?25l" + drawn)])
        self._weights = np.random.default_rng(1).integers(1, 2**62, CELL_WIDTH * CELL_HEIGHT, dtype=np.uint64)
        self._letters: dict[int, str] = {}
        _, canvas = next(iter(render_cast(cast := open_cast(path), extent_of(cast), 10)))
        for row in self._numbers(canvas.packed):
            at = 0
            for letter in _LETTERS:
                self._letters.setdefault(int(row[at]), letter)
                at += 1 + (letter >= "ᄀ")
            self._letters[int(row[-1])] = " "

    def screens(self, cast: Cast, fps: float) -> Iterator[tuple[int, list[str]]]:
        """The time in ns of every frame that changed, and the rows of its screen as they can be read."""
        rows: list[str] = []
        for tick, canvas in render_cast(cast, extent_of(cast), fps):
            if not rows:
                rows = self._read(canvas.packed)
            elif tick.box is not None:
                first, last = tick.box[1] // CELL_HEIGHT, (tick.box[1] + tick.box[3]) // CELL_HEIGHT
                rows[first:last] = self._read(canvas.packed[first * CELL_HEIGHT : last * CELL_HEIGHT])
            else:
                continue
            yield tick.t_ns, rows

    def _read(self, pixels: NDArray[np.uint32]) -> list[str]:
        letters = self._letters
        return ["".join([letters.get(number, UNKNOWN) for number in row]) for row in self._numbers(pixels).tolist()]

    def _numbers(self, pixels: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """A number for what each cell looks like."""
        height, width = pixels.shape
        cells = pixels.reshape(height // CELL_HEIGHT, CELL_HEIGHT, width // CELL_WIDTH, CELL_WIDTH).swapaxes(1, 2)
        flat = cells.reshape(*cells.shape[:2], -1).astype(np.uint64)
        return (flat * self._weights).sum(axis=2, dtype=np.uint64)
