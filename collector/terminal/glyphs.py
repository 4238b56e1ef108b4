"""Glyphs and tiles: every different cell is drawn once with Pillow, and then only copied.

The font is Cascadia Mono (SIL Open Font License 1.1), which `pymupdf-fonts` brings; at this size its advance is
exactly one cell, so box drawing joins.
"""

from __future__ import annotations

import functools
import io
import unicodedata
from typing import Any

import numpy as np
import pymupdf_fonts
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from collector.terminal.geometry import CELL_HEIGHT, CELL_WIDTH
from collector.terminal.screen import Cell, Look, Rgb

_ADVANCE_PER_EM = 1200 / 2048
_SIZE = CELL_WIDTH / _ADVANCE_PER_EM
_BASELINE = 12
_FONTS = {
    (False, False): "cascadia", (True, False): "cascadiab", (False, True): "cascadiai", (True, True): "cascadiabi"
}  # fmt: skip
_FALLBACKS = ("symbol2", "symbol1", "math")
_MAX_TILES = 16_384


@functools.cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(pymupdf_fonts.myfont(name)), _SIZE, layout_engine=ImageFont.Layout.BASIC)


@functools.cache
def _missing(name: str) -> bytes:
    """What the font draws for a character it lacks."""
    return bytes(_font(name).getmask("\uffff"))


def _has(name: str, char: str) -> bool:
    mask = bytes(_font(name).getmask(char))
    return mask != _missing(name) and any(mask)


@functools.lru_cache(maxsize=8192)
def glyph(text: str, bold: bool, italic: bool, half: int) -> NDArray[np.uint8]:
    """Coverage 0..255 of one cell's text: uint8 of shape [CELL_HEIGHT, CELL_WIDTH]; read-only."""
    text = unicodedata.normalize("NFC", text)
    width = CELL_WIDTH * (2 if half else 1)
    name = _FONTS[bold, italic]
    if not _has(name, text[0]):
        name = next((other for other in _FALLBACKS if _has(other, text[0])), name)
    image = Image.new("L", (width, CELL_HEIGHT))
    draw = ImageDraw.Draw(image)
    centred = name in _FALLBACKS or half
    for char in text:  # combining marks go over their letter
        if centred:
            draw.text((width / 2, _BASELINE), char, fill=255, font=_font(name), anchor="ms")
        else:
            draw.text((0, _BASELINE), char, fill=255, font=_font(name), anchor="ls")
    pixels = np.asarray(image)
    return pixels[:, CELL_WIDTH:] if half == 2 else pixels[:, :CELL_WIDTH]


class Tiles:
    """All different cells drawn so far, as one array of pictures."""

    def __init__(self) -> None:
        self._index: dict[tuple[Cell, str | None], int] = {}
        self.pixels: NDArray[np.uint8] = np.empty((256, CELL_HEIGHT, CELL_WIDTH, 3), dtype=np.uint8)
        """uint8 RGB of shape [capacity, CELL_HEIGHT, CELL_WIDTH, 3]; the first `len(self)` are drawn."""

    def __len__(self) -> int:
        return len(self._index)

    @property
    def full(self) -> bool:
        """Whether to start anew: the numbers given so far lose their meaning with `clear`."""
        return len(self._index) >= _MAX_TILES

    def clear(self) -> None:
        self._index.clear()

    def number(self, cell: Cell, cursor: str | None = None) -> int:
        """The number of a cell's picture, drawn now if it is new; `cursor` is the shape of a cursor on it."""
        key = (cell, cursor)
        known = self._index.get(key)
        if known is not None:
            return known
        new = self._index[key] = len(self._index)
        if new == len(self.pixels):
            self.pixels = np.concatenate([self.pixels, np.empty_like(self.pixels)])
        self.pixels[new] = _draw(cell, cursor)
        return new


def _draw(cell: Cell, cursor: str | None) -> NDArray[np.uint8]:
    look = cell.look
    if cursor == "block":
        look = look._replace(fg=look.bg, bg=look.fg)
        if look.fg == look.bg:  # an empty cell may have both alike
            look = look._replace(bg=_opposite(look.bg))
    tile = np.empty((CELL_HEIGHT, CELL_WIDTH, 3), dtype=np.uint8)
    tile[:] = look.bg
    if cell.text and cell.text != " " and look.fg != look.bg:
        cover = glyph(cell.text, look.bold, look.italic, cell.half)[..., None].astype(np.uint16)
        fg, bg = np.array(look.fg, dtype=np.uint16), np.array(look.bg, dtype=np.uint16)
        tile[:] = (fg * cover + bg * (255 - cover) + 127) // 255
    _lines(tile, look)
    ink = cell.look.fg if cell.look.fg != cell.look.bg else _opposite(cell.look.bg)
    if cursor == "bar":
        tile[:, :2] = ink
    elif cursor == "underline":
        tile[-2:] = ink
    elif cursor == "hollow":
        tile[[0, -1]] = ink
        tile[:, [0, -1]] = ink
    return tile


def _lines(tile: NDArray[np.uint8], look: Look) -> None:
    """Underline, strike-through and overline."""
    columns: Any = slice(None)
    if look.underline == 4:
        columns = slice(0, None, 2)
    elif look.underline == 5:
        columns = [0, 1, 2, 5, 6, 7]
    if look.underline == 3:
        wave = _BASELINE + 2 - np.array([0, 0, 1, 1, 0, 0, -1, -1])
        tile[wave, np.arange(CELL_WIDTH)] = look.fg
    elif look.underline:
        tile[_BASELINE + 1, columns] = look.fg
    if look.underline == 2:
        tile[_BASELINE + 3] = look.fg
    if look.strike:
        tile[8] = look.fg
    if look.overline:
        tile[0] = look.fg


def _opposite(color: Rgb) -> Rgb:
    return 255 - color[0], 255 - color[1], 255 - color[2]
