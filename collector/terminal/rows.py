"""Rows of libghostty's screen as cells.

Most rows have been seen before (they scrolled, or came back), so a row's cells are remembered by its raw bytes.
"""

from __future__ import annotations

import functools
import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyghostty import ffi, lib
from pyghostty.core import init_sized

from collector.terminal.themes import Rgb

Color = Rgb | int | None
"""A colour as a program asked for it: r, g, b; a number in the palette; None for the default."""

_MAX_ROWS_KNOWN = 2048
_MAX_KNOWN = 50_000
_CELLS_RAW = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW
_CELLS = lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS
_CELL_STYLE = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE


class Style(NamedTuple):
    """What a program asked a cell to look like."""

    fg: Color = None
    bg: Color = None
    underline_color: Color = None
    underline: int = 0
    """0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed."""
    bold: bool = False
    faint: bool = False
    italic: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    strike: bool = False
    overline: bool = False


PLAIN = Style()


class Cell(NamedTuple):
    """What stands in one cell. `half` is 0 for an ordinary one, 1 and 2 for the left and right of a wide character."""

    text: str
    style: Style = PLAIN
    half: int = 0


BLANK = Cell("")


class ScreenRow:
    """A row's distinct cells, and `which` (int64 of shape [columns]) of them stands in each column.

    Rows that look alike are the same object as long as the screen remembers them.
    """

    __slots__ = ("blank", "cells", "which")

    def __init__(self, cells: list[Cell], which: NDArray[np.int64]) -> None:
        self.cells = cells
        self.which = which
        self.blank = len(cells) == 1 and cells[0] == BLANK


class _Layout:
    """What a row's raw bytes hold themselves, and the rows they became together with what they only point to."""

    __slots__ = ("cells", "graphemes", "plain", "rows", "styled", "which")

    def __init__(self, raw: bytes) -> None:
        used = (len(raw.rstrip(b"\0")) + 7) // 8  # at their ends most rows were never written to
        numbers = _Numbers()
        which = [*map(numbers.__getitem__, np.frombuffer(raw, np.uint64, used).tolist())]
        self.which: NDArray[np.int64] = np.empty(len(raw) // 8, np.int64)
        self.which[:used] = which
        if used < len(self.which):
            self.which[used:] = numbers[0]
        self.cells = [*map(_decoded, numbers)]
        self.styled: list[tuple[int, int]] = []
        """Style numbers and a column that has each: what a number means may change with time."""
        self.graphemes: list[int] = []
        """Columns with more than one code point."""
        styles, joined = set[int](), list[int]()
        for number, cell in enumerate(self.cells):
            if cell.style_id and cell.style_id not in styles:
                styles.add(cell.style_id)
                self.styled.append((cell.style_id, which.index(number)))
            if cell.text is None:
                joined.append(number)
        if joined:
            self.graphemes = np.flatnonzero(np.isin(self.which, joined)).tolist()
        self.rows: dict[tuple[bytes | str, ...], ScreenRow] = {}
        self.plain: ScreenRow | None = None
        """The row, where its raw bytes hold everything."""


class _Numbers(dict[int, int]):
    """Numbers whatever is asked for, in order: for a row this is quicker than np.unique."""

    def __missing__(self, value: int) -> int:
        new = self[value] = len(self)
        return new


@functools.lru_cache(maxsize=64)
def _blank(size: int) -> _Layout:
    """A row that was never written to, the same for all screens: each begins with nothing else."""
    return _Layout(bytes(size))


class _Raw(NamedTuple):
    text: str | None
    wide: bool
    style_id: int
    bg: Color


class RowReader:
    """Reads the row at which `GhosttyRefs.rows` stands."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, _Layout] = {}
        self._raw = b""
        self._layout: _Layout | None = None
        """Of the row read last."""

    def read(self, places: GhosttyRefs) -> ScreenRow:
        view = places.view
        if lib.ghostty_render_state_row_get(places.rows[0], _CELLS_RAW, view):
            raise RuntimeError("libghostty-vt has no cells for a row that it gave")
        raw = ffi.buffer(view.ptr, 8 * view.len)[:]
        layout = self._layout
        if layout is None or raw != self._raw:  # blank rows come in runs
            self._raw, layout = raw, self._layout_of(raw)
            self._layout = layout
        if layout.plain is not None:
            return layout.plain
        key = _looked_up(layout, places)
        row = layout.rows.get(key)
        if row is None:
            if len(layout.rows) >= 64:
                layout.rows.clear()
            row = layout.rows[key] = self._row(layout, key)
            if not key:
                layout.plain = row
        return row

    def _layout_of(self, raw: bytes) -> _Layout:
        layout = self._layouts.get(raw)
        if layout is None:
            if len(self._layouts) >= _MAX_ROWS_KNOWN:
                self._layouts.clear()
            layout = self._layouts[raw] = _blank(len(raw)) if raw == bytes(len(raw)) else _Layout(raw)
        return layout

    def _row(self, layout: _Layout, key: tuple[bytes | str, ...]) -> ScreenRow:
        styles: dict[int, bytes | None] = {0: None}
        for (style_id, _), raw in zip(layout.styled, key, strict=False):
            assert isinstance(raw, bytes)
            styles[style_id] = raw
        cells = [_cell(cell, styles[cell.style_id]) for cell in layout.cells]
        which = layout.which
        wide = [number for number, cell in enumerate(layout.cells) if cell.wide]
        if layout.graphemes or wide:
            which = which.copy()
        for x, text in zip(layout.graphemes, key[len(layout.styled) :], strict=True):
            assert isinstance(text, str)
            cells.append(cells[layout.which[x]]._replace(text=text))
            which[x] = len(cells) - 1
        for x in np.flatnonzero(np.isin(layout.which, wide)).tolist() if wide else []:
            if x + 1 < len(which):
                cell = cells[which[x]]
                which[x], which[x + 1] = len(cells), len(cells) + 1
                cells += [cell._replace(half=1), cell._replace(half=2)]
        return ScreenRow(cells, which)


def _looked_up(layout: _Layout, places: GhosttyRefs) -> tuple[bytes | str, ...]:
    """What a row's raw bytes only point to: its styles and its texts of several code points."""
    if not (layout.styled or layout.graphemes):
        return ()
    check(lib.ghostty_render_state_row_get(places.rows[0], _CELLS, places.cells))
    cells, style, style_bytes = places.cells[0], places.style, places.style_bytes
    styles = []
    for _, x in layout.styled:  # every styled row comes here each time it is read
        if lib.ghostty_render_state_row_cells_select(cells, x) or lib.ghostty_render_state_row_cells_get(
            cells, _CELL_STYLE, style
        ):
            raise RuntimeError("libghostty-vt has no style for a cell that has one")
        styles.append(style_bytes[:])
    return *styles, *(_grapheme(x, places) for x in layout.graphemes)


def _grapheme(x: int, places: GhosttyRefs) -> str:
    """The text in a column of the row whose cells are at hand."""
    cells, count = places.cells[0], places.count
    check(lib.ghostty_render_state_row_cells_select(cells, x))
    check(lib.ghostty_render_state_row_cells_get(cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN, count))
    points = ffi.new("uint32_t[]", max(1, count[0]))
    check(lib.ghostty_render_state_row_cells_get(cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF, points))
    return "".join(chr(points[i]) for i in range(count[0]))


@functools.lru_cache(maxsize=_MAX_KNOWN)
def _cell(raw: _Raw, style: bytes | None) -> Cell:
    asked = PLAIN if style is None else _decoded_style(style)
    return Cell(raw.text or "", asked if raw.bg is None else asked._replace(bg=raw.bg))


@functools.lru_cache(maxsize=_MAX_KNOWN)
def _decoded_style(raw: bytes) -> Style:
    style = ffi.from_buffer("GhosttyStyle*", raw)
    return Style(
        _color(style.fg_color), _color(style.bg_color), _color(style.underline_color), style.underline,
        style.bold, style.faint, style.italic, style.blink, style.inverse, style.invisible,
        style.strikethrough, style.overline,
    )  # fmt: skip


@functools.lru_cache(maxsize=_MAX_KNOWN)
def _decoded(value: int) -> _Raw:
    """A raw cell: a pure function of its value."""
    tag = _field(value, "CONTENT_TAG", "GhosttyCellContentTag*")
    wide = _field(value, "WIDE", "GhosttyCellWide*") == lib.GHOSTTY_CELL_WIDE_WIDE
    style_id = _field(value, "STYLE_ID", "uint16_t*")
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
        return _Raw("", wide, style_id, int(_field(value, "COLOR_PALETTE", "uint8_t*")))
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
        return _Raw("", wide, style_id, rgb(_field(value, "COLOR_RGB", "GhosttyColorRgb*")))
    if tag == lib.GHOSTTY_CELL_CONTENT_CODEPOINT_GRAPHEME:
        return _Raw(None, wide, style_id, None)
    point = _field(value, "CODEPOINT", "uint32_t*")
    return _Raw(chr(point) if point else "", wide, style_id, None)


def _field(value: int, name: str, kind: str) -> Any:
    out = ffi.new(kind)
    check(lib.ghostty_cell_get(value, getattr(lib, f"GHOSTTY_CELL_DATA_{name}"), out))
    return out[0]


def _color(color: Any) -> Color:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(color.value.palette)
    return rgb(color.value.rgb) if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB else None


def rgb(color: Any) -> Rgb:
    return color.r, color.g, color.b


def new_object(kind: str, make: Any, free: Any) -> Any:
    """A pointer to a new native object that is freed with it."""
    handle = ffi.new(f"{kind}*")
    check(make(ffi.NULL, handle))
    return ffi.gc(handle, lambda pointer: free(pointer[0]))


def sized(kind: str) -> Any:
    """A new struct that says how large it is, as `init_sized` makes it; what that finds out is found out once."""
    made = ffi.new(f"{kind}*")
    ffi.buffer(made)[:] = _sized(kind)
    return made


@functools.cache
def _sized(kind: str) -> bytes:
    return bytes(ffi.buffer(init_sized(kind)))


def check(result: int) -> None:
    if result:
        raise RuntimeError(f"libghostty-vt reported error {result}")


class GhosttyRefs:
    """Where libghostty puts what it is asked for. Nothing is kept there, so one serves all screens of a thread."""

    def __init__(self) -> None:
        self.rows = new_object(
            "GhosttyRenderStateRowIterator",
            lib.ghostty_render_state_row_iterator_new, lib.ghostty_render_state_row_iterator_free,
        )  # fmt: skip
        self.y = ffi.new("uint16_t*")
        self.view = ffi.new("GhosttyCellsView*")
        self.cells = new_object(
            "GhosttyRenderStateRowCells",
            lib.ghostty_render_state_row_cells_new, lib.ghostty_render_state_row_cells_free,
        )  # fmt: skip
        self.style = sized("GhosttyStyle")
        self.style_bytes = ffi.buffer(self.style)
        self.count = ffi.new("uint32_t*")
        self.dirty = ffi.new("GhosttyRenderStateDirty*")
        self.cursor = sized("GhosttyRenderStateCursor")
        colors = sized("GhosttyRenderStateColors")
        self.colors_bytes = ffi.buffer(colors)
        self.state = ffi.new("void*[]", [self.dirty, self.rows, colors, self.cursor])


class _Own(threading.local):
    def __init__(self) -> None:
        self.places = GhosttyRefs()


own = _Own()
"""This thread's `own.places`."""
