"""Text into coverage: the font that is asked for, Cascadia Mono and the symbol fonts of `pymupdf-fonts`, fallbacks.

The fonts of `pymupdf-fonts` come under free licences; Cascadia Mono is SIL Open Font License 1.1. They have neither CJK
nor most emoji: those are for the fallbacks. What no font has is its code point in hexadecimal, at its right width.
"""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

import numpy as np
import pymupdf_fonts
from PIL import Image, ImageDraw, ImageFont

from collector.terminal.emoji import Picture, emoji
from collector.terminal.faces import Source, has, holds_pictures, load
from collector.terminal.fallbacks import checked, found_here
from collector.terminal.shapes import Cover
from manifests.errors import GoaltraceError

_CASCADIA = {
    (False, False): "cascadia", (True, False): "cascadiab", (False, True): "cascadiai", (True, True): "cascadiabi"
}  # fmt: skip
_FALLBACKS = ("fimo", "symbol2", "symbol1", "math", "figo", "notos", "music")
_HEX_ROWS = {
    digit: rows.split(",")
    for digit, rows in zip(
        "0123456789ABCDEF",
        "111,101,101,101,111 010,110,010,010,111 111,001,111,100,111 111,001,111,001,111 101,101,111,001,001 "
        "111,100,111,001,111 111,100,111,101,111 111,001,001,001,001 111,101,111,101,111 111,101,111,001,111 "
        "111,101,111,101,101 110,101,110,101,110 111,100,100,100,111 110,101,101,101,110 111,100,111,100,111 "
        "111,100,111,100,100".split(),
        strict=True,
    )
}
"""Digits of 3 x 5 px."""
_BLANK = ("Zs", "Zl", "Zp", "Cc", "Cf", "Cs")
_MARKS = ("Mn", "Me")
_AS_PICTURE = "\ufe0f"
"""Asks for the character before it as an emoji; most terminals leave it in its one cell."""


class Fonts:
    """Draws text into cells of `cell` px. `files` come first, in their order, when they have the character.

    `fallbacks` come last, but wide characters are taken from a font of pictures before Cascadia and the symbols; None
    means those that this machine has, looked for when one is needed. Raises `GoaltraceError` for what is no font.
    """

    def __init__(
        self, cell: tuple[int, int], files: tuple[Path, ...] = (), fallbacks: tuple[Path, ...] | None = ()
    ) -> None:
        self._width, self._height = cell
        self._fallbacks = fallbacks if fallbacks is None else checked(fallbacks)
        self._sources: list[str | bytes] = []
        for file in files:
            try:
                data = file.read_bytes()
                if holds_pictures(file):
                    raise GoaltraceError(f"--font {file}: a font of pictures; give it with --fallback-font")
                load(data, 10.0)
            except OSError as error:
                raise GoaltraceError(
                    f"--font {file}: not a font that can be read ({error.strerror or error}); give a .ttf or .otf"
                ) from None
            self._sources.append(data)
        first = self._sources[0] if self._sources else "cascadia"
        self._size, self._baseline = _fit(_bytes(first), self._width, self._height)

    def draw(self, text: str, bold: bool, italic: bool, wide: bool) -> Cover | Picture:
        """`text` in one cell, or in two if `wide`: its coverage, or a picture in colours of its own."""
        text = unicodedata.normalize("NFC", text)
        width = self._width * (2 if wide else 1)
        if unicodedata.category(text[0]) in _BLANK:
            return np.zeros((self._height, width), dtype=np.uint8)
        for source in self._sources:
            if has(_bytes(source), text[0]):
                return self._cover(source, text, bold, italic, width)
        if (wide or text[1:] == _AS_PICTURE) and (picture := self._picture(text[0], width)) is not None:
            return picture
        for source in (_CASCADIA[bold, italic], _CASCADIA[False, False], *_FALLBACKS):
            if has(_bytes(source), text[0]):
                return self._cover(source, text, bold, italic, width)
        for path in self._more():
            if not holds_pictures(path) and has(path, text[0]):
                image = self._drawn(path, text, width, fitted=True)
                return _emboldened(_slanted(image) if italic else image, bold)
        picture = self._picture(text[0], width)
        return _code_point(ord(text[0]), width, self._height) if picture is None else picture

    def _more(self) -> tuple[Path, ...]:
        return found_here() if self._fallbacks is None else self._fallbacks

    def _picture(self, char: str, width: int) -> Picture | None:
        for path in self._more():
            if holds_pictures(path) and (picture := emoji(path, char, width, self._height)) is not None:
                return picture
        return None

    def _cover(self, source: str | bytes, text: str, bold: bool, italic: bool, width: int) -> Cover:
        image = self._drawn(_bytes(source), text, width, fitted=source != _CASCADIA[bold, italic])
        upright = italic and source not in ("cascadiai", "cascadiabi")
        thin = bold and source not in ("cascadiab", "cascadiabi")
        return _emboldened(_slanted(image) if upright else image, thin)

    def _drawn(self, data: Source, text: str, width: int, fitted: bool) -> Image.Image:
        image = Image.new("L", (width, self._height))
        draw = ImageDraw.Draw(image)
        size, baseline = self._size, self._baseline
        in_square = isinstance(data, Path) and width > self._width
        if in_square:  # an ideograph fills its square, 0.88 of it above the line, and leaves rows a little apart
            size = min(width, self._height * 15 / 16)
            baseline = round((self._height - size) / 2 + 0.88 * size)
        font = load(data, size)
        if not fitted and width == self._width:
            _written(draw, font, data, text, 0, self._baseline)
            return image
        left, top, right, bottom = font.getbbox(text[0], anchor="ls")
        scale = min(1.0, width / max(1, right - left), self._height / max(1, bottom - top))
        if scale < 1:
            font = load(data, size * scale)
            left, top, right, bottom = font.getbbox(text[0], anchor="ls")
        # a letter of a monospaced font sits in its advance; a wider or smaller one goes to the middle
        advance = font.getlength(text[0])
        x = (width - advance) / 2 if in_square or abs(advance - width) < 1 else (width - right - left) / 2
        y = min(max(baseline, -top), self._height - bottom)
        marks = "".join(char for char in text[1:] if unicodedata.category(char) in _MARKS)
        _written(draw, font, data, text[0] + marks, x, y)
        return image


def _written(
    draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, data: Source, text: str, x: float, y: float
) -> None:
    """A letter and the marks over it; a mark that the font lacks would be a box over the letter, and is left out."""
    draw.text((x, y), text[0], fill=255, font=font, anchor="ls")
    for mark in text[1:]:
        if has(data, mark):
            before = font.getbbox(mark, anchor="ls")[2] <= 1  # drawn to the left of where it stands: after the letter
            draw.text((x + before * font.getlength(text[0]), y), mark, fill=255, font=font, anchor="ls")


@functools.cache
def _bytes(source: str | bytes) -> bytes:
    return source if isinstance(source, bytes) else bytes(pymupdf_fonts.myfont(source))


def _fit(data: bytes, width: int, height: int) -> tuple[float, int]:
    """The size at which the font's letters are `width` px wide, or as high as a cell; and the baseline from its top."""
    large = load(data, 1000.0)
    ascent, descent = large.getmetrics()
    size = min(1000 * width / large.getlength("M"), 1.04 * 1000 * height / (ascent + descent))
    used = (ascent + descent) * size / 1000
    return size, round((height - used) / 2 + ascent * size / 1000)


def _slanted(image: Image.Image) -> Image.Image:
    lean = 0.2
    return image.transform(
        image.size, Image.Transform.AFFINE, (1, lean, -lean * image.height * 0.6, 0, 1, 0), Image.Resampling.BILINEAR
    )


def _emboldened(image: Image.Image, thin: bool) -> Cover:
    cover = np.array(image)
    if thin:
        cover[:, 1:] = np.maximum(cover[:, 1:], cover[:, :-1])
    return cover


def _code_point(point: int, width: int, height: int) -> Cover:
    """The code point in hexadecimal, as large as fits: two digits a row in one cell, three or two in two cells."""
    digits = f"{point:04X}"
    across = 2 if len(digits) == 4 or width < 12 else 3
    rows = [digits[start : start + across] for start in range(0, len(digits), across)]
    small = np.zeros((6 * len(rows) - 1, 4 * across - 1), dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, digit in enumerate(row):
            pixels = [[255 * int(bit) for bit in line] for line in _HEX_ROWS[digit]]
            small[6 * y : 6 * y + 5, 4 * x : 4 * x + 3] = pixels
    boxed = width >= small.shape[1] + 4 and height >= small.shape[0] + 4
    scale = max(1, min((width - 4 * boxed) // small.shape[1], (height - 4 * boxed) // small.shape[0]))
    small = small.repeat(scale, axis=0).repeat(scale, axis=1)[:height, :width]
    cover = np.zeros((height, width), dtype=np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    cover[top : top + small.shape[0], left : left + small.shape[1]] = small
    if boxed:
        cover[[0, -1], :] = cover[:, [0, -1]] = 255
    return cover
