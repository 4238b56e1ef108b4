"""The glyph atlas: every different cell is drawn once, and then only copied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from collector.terminal.glyphs import Appearance, glyphs_of, look_of
from collector.terminal.rows import Cell, Row
from collector.terminal.screen import Colors, Cursor

_MAX_TILE_PIXELS = 2**21
_MAX_ROWS_KNOWN = 4096


class Tiles:
    """All different cells drawn so far, and each row's cells as their numbers."""

    def __init__(self, appearance: Appearance, colors: Colors) -> None:
        self._glyphs = glyphs_of(appearance.cell, appearance.fonts)
        self._colors = colors
        self._index: dict[tuple[object, ...], int] = {}
        self._cells: dict[tuple[Cell, str | None], int] = {}
        self._rows: dict[Row, NDArray[np.int64]] = {}
        width, height = appearance.cell
        self._most = max(256, _MAX_TILE_PIXELS // (width * height))
        self.pixels: NDArray[np.uint32] = np.empty((height, 256, width), dtype=np.uint32)
        """uint32 0x00RRGGBB of shape [cell height, capacity, cell width]: so that a run of tiles is a picture's row."""

    @property
    def full(self) -> bool:
        """Whether to start anew: the numbers given so far lose their meaning with `clear`."""
        return len(self._index) >= self._most

    def clear(self) -> None:
        self._index.clear()
        self._cells.clear()
        self._rows.clear()

    def recolour(self, colors: Colors) -> None:
        """Draw with other colours from now on."""
        if colors != self._colors:
            self._colors = colors
            self._cells.clear()
            self._rows.clear()

    def number(self, cell: Cell, cursor: str | None = None) -> int:
        """The number of a cell's picture, drawn now if it is new; `cursor` is the shape of a cursor on it."""
        known = self._cells.get((cell, cursor))
        if known is None:
            if len(self._cells) >= 4 * self._most:
                self._cells.clear()
            known = self._cells[cell, cursor] = self._number(cell, cursor)
        return known

    def _number(self, cell: Cell, cursor: str | None) -> int:
        look = look_of(cell.style, self._colors)
        ink = self._colors.cursor if cursor else None
        key = (cell.text, cell.half, look, cursor, ink)
        known = self._index.get(key)
        if known is not None:
            return known
        new = self._index[key] = len(self._index)
        if new == self.pixels.shape[1]:
            self.pixels = np.concatenate([self.pixels, np.empty_like(self.pixels)], axis=1)
        self.pixels[:, new] = self._glyphs.draw(cell, look, cursor, ink)
        return new

    def row(self, row: Row, cursor: Cursor | None = None) -> NDArray[np.int64]:
        """The numbers of a row's tiles, with the cursor on it; not to be written to."""
        numbers = self._rows.get(row)
        if numbers is None:
            if len(self._rows) >= _MAX_ROWS_KNOWN:
                self._rows.clear()
            numbers = self._rows[row] = np.array([self.number(cell) for cell in row.cells])[row.which]
        if cursor is not None and cursor.shape is not None and cursor.x < len(numbers):
            numbers = numbers.copy()
            cell = row.cells[row.which[cursor.x]]
            for x in {0: [cursor.x], 1: [cursor.x, cursor.x + 1], 2: [cursor.x - 1, cursor.x]}[cell.half]:
                numbers[x] = self.number(row.cells[row.which[x]], cursor.shape)
        return numbers
