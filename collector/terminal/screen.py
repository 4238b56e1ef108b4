"""The terminal's screen as a VT core (libghostty-vt through `pyghostty`) sees it: which rows changed, cell by cell."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from pyghostty import Terminal, ffi, lib
from pyghostty.core import init_sized

Rgb = tuple[int, int, int]

FOREGROUND: Rgb = (216, 219, 226)
BACKGROUND: Rgb = (22, 24, 29)


class Look(NamedTuple):
    """How a cell is drawn: resolved colours and attributes."""

    fg: Rgb = FOREGROUND
    bg: Rgb = BACKGROUND
    bold: bool = False
    italic: bool = False
    underline: int = 0
    """0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed."""
    strike: bool = False
    overline: bool = False


class Cell(NamedTuple):
    """What stands in one cell. `half` is 0 for an ordinary one, 1 and 2 for the left and right of a wide character."""

    text: str
    look: Look
    half: int = 0


class Cursor(NamedTuple):
    """The text cursor in cells; `shape` is bar, block, underline or hollow, None while it is hidden."""

    x: int
    y: int
    shape: str | None


_SHAPES = ("bar", "block", "underline", "hollow")
_HIDDEN = Cursor(-1, -1, None)


class Screen:
    """A terminal of `columns` x `rows` that is fed bytes and tells which rows changed since it was last asked."""

    def __init__(self, columns: int, rows: int) -> None:
        self._terminal = Terminal(columns, rows, scrollback=0, fg=FOREGROUND, bg=BACKGROUND)
        self._state = _render_state()
        self._rows = _new(
            "GhosttyRenderStateRowIterator",
            lib.ghostty_render_state_row_iterator_new, lib.ghostty_render_state_row_iterator_free,
        )  # fmt: skip
        self._cells = _new(
            "GhosttyRenderStateRowCells",
            lib.ghostty_render_state_row_cells_new, lib.ghostty_render_state_row_cells_free,
        )  # fmt: skip
        self._colors = init_sized("GhosttyRenderStateColors")
        self._palette_drawn = b""
        self._joined = False
        self._dirty = ffi.new("GhosttyRenderStateDirty*")
        self._y = ffi.new("uint16_t*")
        self._view = ffi.new("GhosttyCellsView*")
        self._style = init_sized("GhosttyStyle")
        self._cursor = init_sized("GhosttyRenderStateCursor")
        self._raw: dict[int, tuple[str, int, int, Rgb | int | None]] = {}

    def feed(self, text: str) -> None:
        """Take in the terminal's output."""
        # libghostty marks no row dirty for a character that joins the one before it: its state must be taken anew
        self._joined = self._joined or (not text.isascii() and any(map(_joins, text)))
        self._terminal.feed(text.encode("utf-8", "replace"))

    def resize(self, columns: int, rows: int) -> None:
        self._terminal.resize(columns, rows)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        columns, rows = self._terminal.size
        return columns, rows

    def text(self) -> str:
        """The visible text, rows as displayed."""
        return str(self._terminal.text())

    def changed_rows(self) -> Iterator[tuple[int, list[Cell], np.ndarray[Any, Any]]]:
        """Rows that changed since the last call, as (y, kinds, which).

        `kinds` holds the distinct cells of the row and `which`, int64 of shape [columns], says which of them stands in
        each column. All rows after a resize or a change of the palette.
        """
        if self._joined:
            self._state = _render_state()
        _check(lib.ghostty_render_state_update(self._state[0], self._terminal._t[0]))
        _check(lib.ghostty_render_state_get(self._state[0], lib.GHOSTTY_RENDER_STATE_DATA_COLORS, self._colors))
        _check(lib.ghostty_render_state_get(self._state[0], lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, self._dirty))
        _check(lib.ghostty_render_state_get(self._state[0], lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._rows))
        palette = bytes(ffi.buffer(self._colors))
        full = self._dirty[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL or self._joined
        if full or palette != self._palette_drawn:
            self._palette_drawn = palette  # new colours touch every row, and no row is marked dirty for them
            self._joined = False
            y = 0
            while lib.ghostty_render_state_row_iterator_next(self._rows[0]):
                yield y, *self._row()
                y += 1
        else:
            while lib.ghostty_render_state_row_iterator_next_dirty(self._rows[0], self._y):
                yield self._y[0], *self._row()
        _check(lib.ghostty_render_state_clean(self._state[0]))

    def cursor(self) -> Cursor:
        """The cursor as of the last `changed_rows`."""
        _check(lib.ghostty_render_state_get(self._state[0], lib.GHOSTTY_RENDER_STATE_DATA_CURSOR, self._cursor))
        cursor = self._cursor
        if not (cursor.visible and cursor.viewport_has_value):
            return _HIDDEN
        return Cursor(cursor.viewport_x, cursor.viewport_y, _SHAPES[cursor.visual_style])

    def _row(self) -> tuple[list[Cell], np.ndarray[Any, Any]]:
        _check(lib.ghostty_render_state_row_get(
            self._rows[0], lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view
        ))  # fmt: skip
        _check(lib.ghostty_render_state_row_get(self._rows[0], lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells))
        raw = np.frombuffer(ffi.buffer(self._view.ptr, 8 * self._view.len), dtype=np.uint64)
        values, first, which = np.unique(raw, return_index=True, return_inverse=True)
        kinds: list[Cell] = []
        special: list[int] = []
        for number, value in enumerate(values.tolist()):
            cell, unusual = self._cell(value, int(first[number]))
            kinds.append(cell)
            if unusual:
                special.append(number)
        if special:  # wide characters and combined ones depend on more than the cell's own value
            which = which.copy()
            for x in np.flatnonzero(np.isin(which, special)).tolist():
                self._special(x, int(raw[x]), kinds, which)
        return kinds, which

    def _cell(self, value: int, x: int) -> tuple[Cell, bool]:
        text, wide, style_id, background = self._decoded(value)
        look = self._look(x) if style_id else self._plain
        if background is not None:
            look = look._replace(bg=background if isinstance(background, tuple) else self._palette(background))
        unusual = wide == lib.GHOSTTY_CELL_WIDE_WIDE or text is _GRAPHEME
        return Cell("" if text is _GRAPHEME else text, look), unusual

    def _special(self, x: int, value: int, kinds: list[Cell], which: np.ndarray[Any, Any]) -> None:
        cell, _ = self._cell(value, x)
        text, wide, _, _ = self._decoded(value)
        if text is _GRAPHEME:
            cell = cell._replace(text=self._grapheme(x))
        if wide == lib.GHOSTTY_CELL_WIDE_WIDE and x + 1 < len(which):
            which[x + 1] = len(kinds)
            kinds.append(cell._replace(half=2))
            cell = cell._replace(half=1)
        which[x] = len(kinds)
        kinds.append(cell)

    def _decoded(self, value: int) -> tuple[str, int, int, Rgb | int | None]:
        """A raw cell's text, width, style id and own background: a pure function of its value, so remembered."""
        known = self._raw.get(value)
        if known is None:
            if len(self._raw) > 100_000:
                self._raw.clear()
            known = self._raw[value] = _decode(value)
        return known

    def _grapheme(self, x: int) -> str:
        _check(lib.ghostty_render_state_row_cells_select(self._cells[0], x))
        count = ffi.new("uint32_t*")
        _check(lib.ghostty_render_state_row_cells_get(
            self._cells[0], lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN, count
        ))  # fmt: skip
        points = ffi.new("uint32_t[]", max(1, count[0]))
        _check(lib.ghostty_render_state_row_cells_get(
            self._cells[0], lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF, points
        ))  # fmt: skip
        return "".join(chr(points[i]) for i in range(count[0]))

    def _look(self, x: int) -> Look:
        _check(lib.ghostty_render_state_row_cells_select(self._cells[0], x))
        style = self._style
        _check(lib.ghostty_render_state_row_cells_get(
            self._cells[0], lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, style
        ))  # fmt: skip
        plain = self._plain
        fg, bg = self._color(style.fg_color, plain.fg), self._color(style.bg_color, plain.bg)
        if style.inverse:
            fg, bg = bg, fg
        if style.faint:
            fg = ((fg[0] + bg[0]) // 2, (fg[1] + bg[1]) // 2, (fg[2] + bg[2]) // 2)
        if style.invisible:
            fg = bg
        return Look(
            fg, bg, style.bold, style.italic, style.underline, style.strikethrough, style.overline,
        )  # fmt: skip

    @property
    def _plain(self) -> Look:
        return Look(_rgb(self._colors.foreground), _rgb(self._colors.background))

    def _color(self, color: Any, default: Rgb) -> Rgb:
        if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
            return self._palette(color.value.palette)
        return _rgb(color.value.rgb) if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB else default

    def _palette(self, number: int) -> Rgb:
        return _rgb(self._colors.palette[number])


_GRAPHEME = "\0grapheme"


def _render_state() -> Any:
    return _new("GhosttyRenderState", lib.ghostty_render_state_new, lib.ghostty_render_state_free)


def _joins(char: str) -> bool:
    """True for a character that can become part of the cell before it: accents, joiners, skin tones."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc", "Cf", "Sk")


def _decode(value: int) -> tuple[str, int, int, Rgb | int | None]:
    tag = _field(value, "CONTENT_TAG", "GhosttyCellContentTag*")
    wide = _field(value, "WIDE", "GhosttyCellWide*")
    style_id = _field(value, "STYLE_ID", "uint16_t*")
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
        return "", wide, style_id, int(_field(value, "COLOR_PALETTE", "uint8_t*"))
    if tag == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
        return "", wide, style_id, _rgb(_field(value, "COLOR_RGB", "GhosttyColorRgb*"))
    if tag == lib.GHOSTTY_CELL_CONTENT_CODEPOINT_GRAPHEME:
        return _GRAPHEME, wide, style_id, None
    point = _field(value, "CODEPOINT", "uint32_t*")
    return chr(point) if point else "", wide, style_id, None


def _field(value: int, name: str, kind: str) -> Any:
    out = ffi.new(kind)
    _check(lib.ghostty_cell_get(value, getattr(lib, f"GHOSTTY_CELL_DATA_{name}"), out))
    return out[0]


def _rgb(color: Any) -> Rgb:
    return color.r, color.g, color.b


def _new(kind: str, make: Any, free: Any) -> Any:
    """A pointer to a new native object that is freed with it."""
    handle = ffi.new(f"{kind}*")
    _check(make(ffi.NULL, handle))
    return ffi.gc(handle, lambda pointer: free(pointer[0]))


def _check(result: int) -> None:
    if result:
        raise RuntimeError(f"libghostty-vt reported error {result}")
