"""A cell's pixels: its text, drawn from a font or by us, in its colours, with its lines and the cursor on it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collector.terminal.blocks import block
from collector.terminal.boxes import box
from collector.terminal.emoji import Picture
from collector.terminal.fonts import Fonts
from collector.terminal.geometry import CELL
from collector.terminal.powerline import powerline
from collector.terminal.rows import Cell, Color, Style
from collector.terminal.screen import Colors
from collector.terminal.shapes import Cover, light
from collector.terminal.themes import Rgb, Theme

_MAX_COVERS = 16_384


class Appearance(NamedTuple):
    """How terminals are drawn. `theme` None means the one in the cast's header, else the default."""

    theme: Theme | None = None
    fonts: tuple[Path, ...] = ()
    cell: tuple[int, int] = CELL
    """Width and height of a cell in px."""
    fallbacks: tuple[Path, ...] | None = ()
    """Fonts for what the others lack; None means those that this machine has."""


AS_USUAL = Appearance()


class Look(NamedTuple):
    """A style in the colours now in force."""

    fg: Rgb
    bg: Rgb
    line: Rgb
    """Colour of the underline."""
    bold: bool = False
    italic: bool = False
    underline: int = 0
    strike: bool = False
    overline: bool = False


def look_of(style: Style, colors: Colors) -> Look:
    """Colours resolved: inverse swaps them, faint goes half way to the background, invisible text has its colour.

    Blinking text is drawn as it is: pictures show the screen's content, which does not change when it blinks.
    """
    fg, bg = _rgb(style.fg, colors.fg, colors), _rgb(style.bg, colors.bg, colors)
    if style.inverse:
        fg, bg = bg, fg
    if style.faint:
        fg = ((fg[0] + bg[0]) // 2, (fg[1] + bg[1]) // 2, (fg[2] + bg[2]) // 2)
    line = fg if style.underline_color is None else _rgb(style.underline_color, fg, colors)
    if style.invisible:
        fg = line = bg
    return Look(fg, bg, line, style.bold, style.italic, style.underline, style.strike, style.overline)


def _rgb(color: Color, default: Rgb, colors: Colors) -> Rgb:
    if color is None:
        return default
    return colors.palette[color] if isinstance(color, int) else color


class Glyphs:
    """Draws cells of one size in one set of fonts; what text covers is remembered."""

    def __init__(self, cell: tuple[int, int], fonts: tuple[Path, ...], fallbacks: tuple[Path, ...] | None = ()) -> None:
        self.width, self.height = cell
        self._fonts = Fonts(cell, fonts, fallbacks)
        self._covers: dict[tuple[str, bool, bool, bool], Cover | Picture] = {}

    def draw(self, cell: Cell, look: Look, cursor: str | None = None, ink: Rgb | None = None) -> NDArray[np.uint32]:
        """The cell's picture, uint32 0x00RRGGBB of shape [height, width]; `ink` is a cursor's own colour."""
        if cursor == "block":
            look = _under_block(look, ink)
        background = _packed(look.bg)
        tile = np.full((self.height, self.width), background, dtype=np.uint32)
        if cell.text and cell.text != " " and look.fg != look.bg:
            cover = self._cover(cell, look)
            tile = _blend(cover, look.fg, look.bg) if cover.ndim == 2 else _laid_over(cover, look.bg)
        self._lines(tile, look, cell)
        if cursor and cursor != "block":
            visible = look.fg if look.fg != look.bg else _opposite(look.bg)
            self._cursor(tile, cursor, _packed(ink or visible), cell.half)
        return tile

    def _cover(self, cell: Cell, look: Look) -> Cover | Picture:
        wide = cell.half > 0
        key = (cell.text, look.bold, look.italic, wide)
        cover = self._covers.get(key)
        if cover is None:
            if len(self._covers) >= _MAX_COVERS:
                self._covers.clear()
            cover = self._covers[key] = self._text(*key)
        return cover[:, self.width :] if cell.half == 2 else cover[:, : self.width]

    def _text(self, text: str, bold: bool, italic: bool, wide: bool) -> Cover | Picture:
        if len(text) == 1:
            for shape in (box, block, powerline):
                cover = shape(text, self.width * (1 + wide), self.height)
                if cover is not None:
                    return cover
        return self._fonts.draw(text, bold, italic, wide)

    def _lines(self, tile: NDArray[np.uint32], look: Look, cell: Cell) -> None:
        """Underline, strike-through and overline."""
        if not (look.underline or look.strike or look.overline):
            return
        width, height = self.width, self.height
        thick = light(width)
        base = height - max(3 * thick, height * 3 // 16)
        x = np.arange(width) + (width if cell.half == 2 else 0)
        line = _packed(look.line)
        if look.underline == 3:
            wave = np.round(np.sin((x + 0.5) * 2 * np.pi / width) * thick).astype(int)
            for row in range(thick):
                tile[np.minimum(base + thick + wave + row, height - 1), np.arange(width)] = line
        elif look.underline:
            on = np.ones(width, dtype=bool)
            if look.underline == 4:
                on = x // thick % 2 == 0
            elif look.underline == 5:
                on = (x % width < width * 3 // 8) | (x % width >= width * 5 // 8)
            tile[base : base + thick, on] = line
        if look.underline == 2:
            tile[base + 2 * thick : base + 3 * thick] = line
        if look.strike:
            tile[height // 2 : height // 2 + thick] = _packed(look.fg)
        if look.overline:
            tile[:thick] = _packed(look.fg)

    def _cursor(self, tile: NDArray[np.uint32], shape: str, ink: int, half: int) -> None:
        thick = max(1, round(self.width / 4))
        if shape == "bar" and half != 2:
            tile[:, :thick] = ink
        elif shape == "underline":
            tile[-max(1, self.height // 8) :] = ink
        elif shape == "hollow":
            thin = light(self.width)
            tile[:thin] = tile[-thin:] = ink
            if half != 2:
                tile[:, :thin] = ink
            if half != 1:
                tile[:, -thin:] = ink


@functools.lru_cache(maxsize=4)
def glyphs_of(
    cell: tuple[int, int], fonts: tuple[Path, ...], fallbacks: tuple[Path, ...] | None = ()
) -> Glyphs:  # fmt: skip
    """One for all sessions that look alike: what it drew for one serves the next."""
    return Glyphs(cell, fonts, fallbacks)


def _under_block(look: Look, ink: Rgb | None) -> Look:
    back = ink or (look.fg if look.fg != look.bg else _opposite(look.bg))  # an empty cell may have both alike
    text = look.bg if look.bg != back else _opposite(back)
    return look._replace(fg=text, bg=back, line=text)


def _blend(cover: Cover, fg: Rgb, bg: Rgb) -> NDArray[np.uint32]:
    return _ramp(fg, bg)[cover]


@functools.lru_cache(maxsize=4096)
def _ramp(fg: Rgb, bg: Rgb) -> NDArray[np.uint32]:
    """The colour for each coverage 0..255."""
    part = np.arange(256)
    red, green, blue = ((front * part + back * (255 - part) + 127) // 255 for front, back in zip(fg, bg, strict=True))
    return (red << 16 | green << 8 | blue).astype(np.uint32)


def _laid_over(picture: Picture, bg: Rgb) -> NDArray[np.uint32]:
    opacity = picture[..., 3:].astype(np.uint32)
    mixed = (picture[..., :3] * opacity + np.array(bg, dtype=np.uint32) * (255 - opacity) + 127) // 255
    packed: NDArray[np.uint32] = mixed[..., 0] << 16 | mixed[..., 1] << 8 | mixed[..., 2]
    return packed


def _packed(color: Rgb) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _opposite(color: Rgb) -> Rgb:
    return 255 - color[0], 255 - color[1], 255 - color[2]
