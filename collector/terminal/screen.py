"""The screen of a terminal, held by a VT core (libghostty-vt through `pyghostty`): changed rows, cursor and colours."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any, NamedTuple

from pyghostty import ffi, lib

from collector.terminal.rows import RowReader, ScreenRow, check, new_object, own, rgb
from collector.terminal.text import VisibleText
from collector.terminal.themes import DEFAULT, Rgb, Theme

_CELL_PX = (8, 16)
"""The answer to a program that asks how large a cell is."""
_JOINING = ("Mn", "Me", "Mc", "Cf", "Sk")


class TextCursor(NamedTuple):
    """The text cursor in cells; `shape` is bar, block, underline or hollow, None while it is hidden."""

    x: int
    y: int
    shape: str | None


class Colors(NamedTuple):
    """The colours now in force: the theme's, unless a program changed them (OSC 4, 10, 11, 12)."""

    fg: Rgb
    bg: Rgb
    cursor: Rgb | None
    palette: tuple[Rgb, ...]

    def __hash__(self) -> int:
        return hash(self[:3])  # the palette is long and mostly the same


_ASKED = ffi.new(
    "GhosttyRenderStateData[]",
    [
        lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR,
        lib.GHOSTTY_RENDER_STATE_DATA_COLORS, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR,
    ],
)  # fmt: skip
"""What is read of a screen in one call, into `Places.state`."""
_SHAPES = ("bar", "block", "underline", "hollow")
_HIDDEN = TextCursor(-1, -1, None)


class Screen:
    """A terminal of `columns` x `rows` that is fed its output and reports which rows changed since the last call."""

    def __init__(self, columns: int, rows: int, theme: Theme = DEFAULT) -> None:
        self._terminal = new_object(
            "GhosttyTerminal",
            lambda allocator, out: lib.ghostty_terminal_new(allocator, out, columns, rows), lib.ghostty_terminal_free,
        )  # fmt: skip
        self._handle = self._terminal[0]
        for option, value in _options(theme):
            check(lib.ghostty_terminal_set(self._handle, option, value))
        self.size = (columns, rows)
        """Columns and rows."""
        self._state = _render_state()
        self._reader = RowReader()
        self._colors_read = b""
        self.colors = Colors(theme.fg, theme.bg, None, ())
        """As of the last `changed_rows`."""
        self.cursor = _HIDDEN
        """As of the last `changed_rows`."""
        self._untouched = False
        self._fresh = True
        self._joined = False

    def feed(self, text: str) -> None:
        """Take in the terminal's output."""
        self._untouched = self._fresh = False
        # libghostty marks no row dirty for a character that joins the one before it: its state must be taken anew
        self._joined = self._joined or (not text.isascii() and not _joining().isdisjoint(text))
        data = text.replace("\x7f", "").encode("utf-8", "replace")  # DEL is nothing; libghostty gives it a cell
        lib.ghostty_terminal_vt_write(self._handle, data, len(data))

    def resize(self, columns: int, rows: int) -> None:
        self._untouched = self._fresh = False
        check(lib.ghostty_terminal_resize(self._handle, columns, rows, *_CELL_PX))
        self.size = (columns, rows)

    def text(self) -> str:
        """The visible text, rows as displayed."""
        return self._text.read(*self.size)

    @functools.cached_property
    def _text(self) -> VisibleText:
        return VisibleText(self._handle)

    def changed_rows(self) -> list[tuple[int, ScreenRow]]:
        """Rows that changed since the last call, with their numbers from the top.

        All rows after a resize or a change of the palette. Costs nothing when nothing was fed.
        """
        if self._untouched:
            return []
        if self._joined:
            self._state = _render_state()
        places = own.places
        check(lib.ghostty_render_state_update(self._state[0], self._handle))
        check(lib.ghostty_render_state_get_multi(self._state[0], len(_ASKED), _ASKED, places.state, ffi.NULL))
        recoloured = self._read_colors(places.colors_bytes[:])
        self.cursor = _read_cursor(places.cursor)
        iterator, dirty = places.rows[0], places.dirty[0]
        everything = recoloured or self._joined or dirty == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL
        rows: list[tuple[int, ScreenRow]] = []
        if self._fresh:  # all rows are as blank as the first
            lib.ghostty_render_state_row_iterator_next(iterator)
            row = self._reader.read(places)
            rows = [(y, row) for y in range(self.size[1])]
        elif everything:
            while lib.ghostty_render_state_row_iterator_next(iterator):
                rows.append((len(rows), self._reader.read(places)))
        elif dirty:
            while lib.ghostty_render_state_row_iterator_next_dirty(iterator, places.y):
                rows.append((places.y[0], self._reader.read(places)))
        check(lib.ghostty_render_state_clean(self._state[0]))
        self._joined, self._untouched = False, True
        return rows

    def _read_colors(self, read: bytes) -> bool:
        """Whether colours changed, which touches every row although libghostty marks none dirty for it."""
        if read == self._colors_read:
            return False
        self._colors_read = read
        self.colors = _decoded_colors(read)
        return True


def _read_cursor(cursor: Any) -> TextCursor:
    if not (cursor.visible and cursor.viewport_has_value):
        return _HIDDEN
    return TextCursor(cursor.viewport_x, cursor.viewport_y, _SHAPES[cursor.visual_style])


@functools.lru_cache(maxsize=64)
def _options(theme: Theme) -> tuple[tuple[int, Any], ...]:
    """The options with which a new terminal is made."""
    fg, bg, *palette = (dict(zip("rgb", color, strict=True)) for color in (theme.fg, theme.bg, *theme.palette))
    options = [
        (lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, ffi.new("size_t*", 0)),
        (lib.GHOSTTY_TERMINAL_OPT_COLOR_FOREGROUND, ffi.new("GhosttyColorRgb*", fg)),
        (lib.GHOSTTY_TERMINAL_OPT_COLOR_BACKGROUND, ffi.new("GhosttyColorRgb*", bg)),
    ]
    if palette:
        colors = _own_palette()
        for number, color in enumerate(palette):
            colors[number] = color
        options.append((lib.GHOSTTY_TERMINAL_OPT_COLOR_PALETTE, colors))
    return tuple(options)


def _own_palette() -> Any:
    """The 256 colours that a terminal has when it is given none."""
    terminal = ffi.new("GhosttyTerminal*")
    check(lib.ghostty_terminal_new(ffi.NULL, terminal, 1, 1))
    try:
        palette = ffi.new("GhosttyColorRgb[256]")
        check(lib.ghostty_terminal_get(terminal[0], lib.GHOSTTY_TERMINAL_DATA_COLOR_PALETTE_DEFAULT, palette))
        return palette
    finally:
        lib.ghostty_terminal_free(terminal[0])


@functools.lru_cache(maxsize=64)
def _decoded_colors(raw: bytes) -> Colors:
    colors = ffi.from_buffer("GhosttyRenderStateColors*", raw)
    return Colors(
        rgb(colors.foreground), rgb(colors.background), rgb(colors.cursor) if colors.cursor_has_value else None,
        tuple(map(rgb, colors.palette)),
    )  # fmt: skip


@functools.cache
def _joining() -> frozenset[str]:
    """Any character that can become part of the cell before it: accents, joiners, skin tones."""
    points = (*range(0x80, 0x20000), *range(0xE0000, 0xE0200))
    return frozenset(char for char in map(chr, points) if unicodedata.category(char) in _JOINING)


def _render_state() -> Any:
    return new_object("GhosttyRenderState", lib.ghostty_render_state_new, lib.ghostty_render_state_free)
