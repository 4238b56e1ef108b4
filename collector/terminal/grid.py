"""The characters on a terminal's screen, cell by cell, and which rows of them changed: as little as a search needs."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from pyghostty import ffi, lib

from collector.terminal.rows import check, new_object

_ASKED = ffi.new(
    "GhosttyRenderStateData[]",
    [lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR],
)
_CELLS_RAW = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW
_POINT_BITS = 21


class Grid:
    """A terminal of `columns` x `rows`. A row is its raw cells; `text` makes one character a column of them."""

    def __init__(self, columns: int, rows: int) -> None:
        self._terminal = new_object(
            "GhosttyTerminal",
            lambda allocator, out: lib.ghostty_terminal_new(allocator, out, columns, rows), lib.ghostty_terminal_free,
        )  # fmt: skip
        self._handle = self._terminal[0]
        check(
            lib.ghostty_terminal_set(self._handle, lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, ffi.new("size_t*", 0))
        )
        self._state = new_object("GhosttyRenderState", lib.ghostty_render_state_new, lib.ghostty_render_state_free)
        self._dirty = ffi.new("GhosttyRenderStateDirty*")
        self._iterator = new_object(
            "GhosttyRenderStateRowIterator",
            lib.ghostty_render_state_row_iterator_new, lib.ghostty_render_state_row_iterator_free,
        )  # fmt: skip
        self._y = ffi.new("uint16_t*")
        self._view = ffi.new("GhosttyCellsView*")
        self._out = ffi.new("void*[]", [self._dirty, self._iterator])
        self._cursor = ffi.new("uint16_t*")
        self.rows: list[bytes] = []
        """The raw cells of every row, as of the last `changed`."""
        self.columns = columns
        self._height = rows

    def feed(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        lib.ghostty_terminal_vt_write(self._handle, data, len(data))

    def resize(self, columns: int, rows: int) -> None:
        check(lib.ghostty_terminal_resize(self._handle, columns, rows, 8, 16))
        self.columns, self._height, self.rows = columns, rows, []

    def changed(self) -> list[int]:
        """The numbers of the rows that are not as they were at the last call, from the top."""
        check(lib.ghostty_render_state_update(self._state[0], self._handle))
        check(lib.ghostty_render_state_get_multi(self._state[0], len(_ASKED), _ASKED, self._out, ffi.NULL))
        dirty, iterator = self._dirty[0], self._iterator[0]
        changed: list[int] = []
        if dirty == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL or not self.rows:
            before, now = self.rows, list[bytes]()
            while lib.ghostty_render_state_row_iterator_next(iterator):
                now.append(self._raw(iterator))
            self.rows = now
            changed = [y for y, row in enumerate(now) if y >= len(before) or row != before[y]]
        elif dirty:
            while lib.ghostty_render_state_row_iterator_next_dirty(iterator, self._y):
                y, row = self._y[0], self._raw(iterator)
                if row != self.rows[y]:
                    self.rows[y] = row
                    changed.append(y)
        if dirty:
            check(lib.ghostty_render_state_clean(self._state[0]))
        return changed

    def cursor(self) -> tuple[int, int]:
        """The column and row at which text would come next."""
        values = []
        for what in (lib.GHOSTTY_TERMINAL_DATA_CURSOR_X, lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y):
            check(lib.ghostty_terminal_get(self._handle, what, self._cursor))
            values.append(int(self._cursor[0]))
        return values[0], values[1]

    def _raw(self, iterator: Any) -> bytes:
        view = self._view
        check(lib.ghostty_render_state_row_get(iterator, _CELLS_RAW, view))
        raw: bytes = ffi.buffer(view.ptr, 8 * view.len)[:]
        return raw


def text_of(raw: bytes) -> str:
    """The characters of one or more rows, one a column; NUL where nothing was written, and in the right half of a wide
    character.
    """
    cells = np.frombuffer(raw, np.uint64)
    return ((cells >> _shift()) & _MASK).astype("<u4").tobytes().decode("utf-32-le", "replace")


_MASK = np.uint64((1 << _POINT_BITS) - 1)


@functools.cache
def _shift() -> np.uint64:
    """Where in a raw cell its character stands: found out, since the library promises only its accessors."""
    grid = Grid(4, 1)
    grid.feed("\U00010fa5a")
    grid.changed()
    first, second = np.frombuffer(grid.rows[0], np.uint64)[:2].tolist()
    for shift in range(64 - _POINT_BITS):
        if (first >> shift) & int(_MASK) == 0x10FA5 and (second >> shift) & int(_MASK) == ord("a"):
            return np.uint64(shift)
    raise RuntimeError("libghostty-vt keeps its cells in a way that this version cannot read")
