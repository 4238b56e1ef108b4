"""The picture of a screen: only cells that differ are copied, and it knows exactly which pixels changed."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from collector.terminal.geometry import frame_size
from collector.terminal.glyphs import AS_USUAL, Appearance
from collector.terminal.rows import Cell, ScreenRow, Style
from collector.terminal.screen import Colors, Screen, TextCursor
from collector.terminal.themes import DEFAULT, Rgb
from collector.terminal.tiles import Tiles

Box = tuple[int, int, int, int]
_FEW = 6
"""So many cells are quicker drawn one by one, as after most keys."""


class Canvas:
    """A picture of `columns` x `rows` cells; a smaller screen is padded with the theme's background."""

    def __init__(self, columns: int, rows: int, appearance: Appearance = AS_USUAL) -> None:
        self._cell = appearance.cell
        width, height = frame_size(columns, rows, self._cell)
        self.packed: NDArray[np.uint32] = np.empty((height, width), dtype=np.uint32)
        """The pixels as uint32 0x00RRGGBB of shape [height, width]."""
        self._cells = self.packed.reshape(rows, self._cell[1], columns, self._cell[0]).swapaxes(1, 2)
        """The same pixels by row and column."""
        background = self._background = (appearance.theme or DEFAULT).bg
        self._blank, self._colors = _beyond(background)
        self._tiles = Tiles(appearance, self._colors)
        self._shown: NDArray[np.int64] = np.empty((rows, columns), dtype=np.int64)
        self._rows: list[ScreenRow | None] = [None] * rows
        self._numbered: list[NDArray[np.int64] | None] = [None] * rows
        """What `_shown` was last compared with, row by row."""
        self._size = (columns, rows)
        self._cursor = TextCursor(-1, -1, None)
        self._fill()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """A copy of the picture: uint8 RGB of shape [height, width, 3]."""
        return np.ascontiguousarray(self.packed.astype("<u4").view(np.uint8).reshape(*self.packed.shape, 4)[..., 2::-1])

    def update(self, screen: Screen) -> tuple[float, Box | None]:
        """Draw what changed in `screen`; returns the share of pixels that differ, and their cells' box in px."""
        touched = set[int]()
        rows = screen.changed_rows()
        recoloured, self._colors = screen.colors != self._colors, screen.colors
        blank = screen.colors.bg == self._background  # blank rows look as what is outside the screen
        for y, row in rows:
            if y < len(self._rows):
                before, self._rows[y] = self._rows[y], row
                if before is None:
                    same = blank and row.blank
                else:
                    same = not recoloured and (row is before or (blank and row.blank and before.blank))
                if not same:
                    touched.add(y)
        if screen.size != self._size:  # below a screen that was made smaller
            self._size = screen.size
            for y in range(self._size[1], len(self._rows)):
                self._rows[y] = None
                touched.add(y)
        if screen.cursor != self._cursor:
            for y in (screen.cursor.y, self._cursor.y):
                if 0 <= y < len(self._rows):
                    touched.add(y)
            self._cursor = screen.cursor
        if not touched:
            return 0.0, None
        if not self._tiles.prepare(screen.colors):
            self._forget()
            touched = set(range(len(self._rows)))
        return self._draw(sorted(touched))

    def cursor_px(self) -> tuple[int, int]:
        """Centre of the text cursor in px; (-1, -1) while it is hidden."""
        if self._cursor.shape is None:
            return -1, -1
        width, height = self._cell
        return self._cursor.x * width + width // 2, self._cursor.y * height + height // 2

    def _fill(self) -> None:
        blank = self._tiles.number(self._blank)
        self._shown[:] = blank
        self.packed[0] = self._tiles.atlas.pixels[0, blank, 0]
        self.packed[1:] = self.packed[0]  # copies whole rows, which is far quicker than pixel by pixel

    def _forget(self) -> None:
        """The numbers shown mean nothing any more: every cell is to be copied, and compared with what was there."""
        self._shown[:] = -1
        self._numbered[:] = [None] * len(self._numbered)

    def _draw(self, touched: list[int]) -> tuple[float, Box | None]:
        width, height = self._cell
        differing = 0
        left, top, right, bottom = self.packed.shape[1], len(self._rows), -1, -1
        for y in touched:
            numbers = self._numbers(y)
            if numbers is self._numbered[y]:
                continue
            self._numbered[y] = numbers
            differ = (numbers != self._shown[y]).nonzero()[0]
            if not len(differ):
                continue
            if len(differ) <= _FEW and self._shown[y, 0] >= 0:
                for x in differ.tolist():
                    count = self._copy(y, x, numbers.item(x))
                    if count:
                        differing += count
                        left = x if x < left else left
                        right = x if x > right else right
                        top = y if y < top else top
                        bottom = y
                continue
            start, end = int(differ[0]), int(differ[-1]) + 1
            part = self._shown[y, start:end] = numbers[start:end]
            new = self._tiles.atlas.pixels.take(part, axis=1).reshape(height, -1)
            old = self.packed[y * height : (y + 1) * height, start * width : end * width]
            changed = new != old
            count = int(np.count_nonzero(changed))
            if count:
                old[:] = new
                differing += count
                top, bottom = min(top, y), y
                if start < left or end - 1 > right:
                    seen = changed.any(axis=0).nonzero()[0]
                    left, right = min(left, start + int(seen[0]) // width), max(right, start + int(seen[-1]) // width)
        if right < 0:
            return 0.0, None
        box = (left * width, top * height, (right - left + 1) * width, (bottom - top + 1) * height)
        return differing / self.packed.size, box

    def _copy(self, y: int, x: int, number: int) -> int:
        """Draw one cell; how many of its pixels differ from before."""
        atlas = self._tiles.atlas
        count = atlas.differing(self._shown.item(y, x), number)
        self._shown[y, x] = number
        self._cells[y, x] = atlas.pixels[:, number]
        return count

    def _numbers(self, y: int) -> NDArray[np.int64]:
        """Tile numbers of a row: its cells, the cursor on one of them, blank beyond the screen's edge."""
        row = self._rows[y]
        columns = self._shown.shape[1]
        if row is None:
            return np.full(columns, self._tiles.number(self._blank))
        numbers = self._tiles.row(row, self._cursor if y == self._cursor.y else None)
        if len(numbers) == columns:
            return numbers
        padded = np.full(columns, self._tiles.number(self._blank))
        padded[: len(numbers)] = numbers[:columns]
        return padded


@functools.lru_cache(maxsize=64)
def _beyond(background: Rgb) -> tuple[Cell, Colors]:
    """What is shown where no screen is."""
    return Cell("", Style(fg=background, bg=background)), Colors(background, background, None, ())
