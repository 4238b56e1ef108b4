"""The glyph atlas: every different cell is drawn once, and then only copied."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collector.terminal.glyphs import Appearance, Glyphs, glyphs_of, look_of
from collector.terminal.rows import Cell, ScreenRow
from collector.terminal.screen import Colors, TextCursor

_MAX_TILE_PIXELS = 2**21
_MAX_CELLS_KNOWN = 65_536
_MAX_ROWS_KNOWN = 4096
_MAX_PAIRS_KNOWN = 65_536
_MAX_COLORS = 16
_ATLASES = 4
_Numbers = dict[tuple[Cell, str | None], int]


class Atlas:
    """All different cells drawn so far, of one size and in one set of fonts, whatever session they were drawn for."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._index: dict[tuple[object, ...], int] = {}
        self._known: dict[Colors, _Numbers] = {}
        self._differing: dict[tuple[int, int], int] = {}
        width, height = glyphs.width, glyphs.height
        self._most = max(256, _MAX_TILE_PIXELS // (width * height))
        self.generation = 0
        """Changes when the numbers given so far lose their meaning."""
        self.pixels: NDArray[np.uint32] = np.empty((height, 256, width), dtype=np.uint32)
        """uint32 0x00RRGGBB of shape [cell height, capacity, cell width]: so that a run of tiles is a picture's row."""

    def make_room(self) -> None:
        """Start anew if there are too many; to be called between pictures only."""
        if len(self._index) >= self._most:
            self._index.clear()
            self._known.clear()
            self._differing.clear()
            self.generation += 1

    def known(self, colors: Colors) -> _Numbers:
        """The numbers of cells that were asked for in these colours."""
        numbers = self._known.get(colors)
        if numbers is None:
            if len(self._known) >= _MAX_COLORS:
                self._known.clear()
            numbers = self._known[colors] = {}
        return numbers

    def number(self, cell: Cell, colors: Colors, cursor: str | None) -> int:
        """The number of a cell's picture, drawn now if it is new; `cursor` is the shape of a cursor on it."""
        look = look_of(cell.style, colors)
        ink = colors.cursor if cursor else None
        blank = cell.text in ("", " ") and not (cursor or look.underline or look.strike or look.overline)
        key = look.bg if blank else (cell.text, cell.half, look, cursor, ink)
        known = self._index.get(key)
        if known is not None:
            return known
        new = self._index[key] = len(self._index)
        if new == self.pixels.shape[1]:
            self.pixels = np.concatenate([self.pixels, np.empty_like(self.pixels)], axis=1)
        self.pixels[:, new] = self._glyphs.draw(cell, look, cursor, ink)
        return new

    def differing(self, one: int, other: int) -> int:
        """In how many pixels two pictures differ."""
        count = self._differing.get((one, other))
        if count is None:
            if len(self._differing) >= _MAX_PAIRS_KNOWN:
                self._differing.clear()
            count = int(np.count_nonzero(self.pixels[:, one] != self.pixels[:, other]))
            self._differing[one, other] = count
        return count


class Tiles:
    """One picture's cells as numbers of the atlas."""

    def __init__(self, appearance: Appearance, colors: Colors) -> None:
        self.atlas = _atlas(appearance.cell, appearance.fonts, appearance.fallbacks)
        """What the numbers are of."""
        self._colors = colors
        self._begin()

    def _begin(self) -> None:
        self._generation = self.atlas.generation
        self._known = self.atlas.known(self._colors)
        self._rows: dict[ScreenRow, NDArray[np.int64]] = {}

    def prepare(self, colors: Colors) -> bool:
        """To be called before a picture is drawn, with the colours for it; False if no number given so far holds."""
        self.atlas.make_room()
        holds = self._generation == self.atlas.generation
        if not holds or colors != self._colors:
            self._colors = colors
            self._begin()
        return holds

    def number(self, cell: Cell, cursor: str | None = None) -> int:
        """The number of a cell's picture; `cursor` is the shape of a cursor on it."""
        known = self._known.get((cell, cursor))
        if known is None:
            if len(self._known) >= _MAX_CELLS_KNOWN:
                self._known.clear()
            known = self._known[cell, cursor] = self.atlas.number(cell, self._colors, cursor)
        return known

    def row(self, row: ScreenRow, cursor: TextCursor | None = None) -> NDArray[np.int64]:
        """The numbers of a row's tiles, with the cursor on it; not to be written to.

        The same array as long as the row looks the same.
        """
        numbers = self._rows.get(row)
        if numbers is None:
            if len(self._rows) >= _MAX_ROWS_KNOWN:
                self._rows.clear()
            numbers = self._rows[row] = np.array([self.number(cell) for cell in row.cells])[row.which]
        if cursor is not None and cursor.shape is not None and cursor.x < len(numbers):
            numbers = numbers.copy()
            x = cursor.x
            cell = row.cells[row.which[x]]
            numbers[x] = self.number(cell, cursor.shape)
            if cell.half:  # both halves of a wide character have it
                x += 1 if cell.half == 1 else -1
                numbers[x] = self.number(row.cells[row.which[x]], cursor.shape)
        return numbers


_own = threading.local()


def _atlas(cell: tuple[int, int], fonts: tuple[Path, ...], fallbacks: tuple[Path, ...] | None) -> Atlas:
    """One for all sessions that look alike, so that a short session draws little; each thread has its own."""
    atlases: dict[tuple[object, ...], Atlas] = _own.__dict__.setdefault("atlases", {})
    if (cell, fonts, fallbacks) not in atlases:
        if len(atlases) >= _ATLASES:
            atlases.clear()
        atlases[cell, fonts, fallbacks] = Atlas(glyphs_of(cell, fonts, fallbacks))
    return atlases[cell, fonts, fallbacks]
