"""Font files as FreeType reads them: whether one has a character, and whether it holds pictures instead of outlines."""

from __future__ import annotations

import functools
import io
import struct
from pathlib import Path

from PIL import ImageFont

Source = bytes | Path
"""A font: its bytes, or its file (of a collection the first font). Large ones are best read as files."""
_PICTURE_TABLES = (b"CBDT", b"sbix", b"COLR")
_STRIKES = (109, 128, 136, 160, 96, 64, 32)
"""Sizes in px at which fonts of bitmaps can be opened; they have one or a few."""


@functools.lru_cache(maxsize=256)
def load(source: Source, size: float) -> ImageFont.FreeTypeFont:
    """Open the font at `size` px. Raises `OSError` for what is no font, or has no outlines."""
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=65_536)
def has(source: Source, char: str) -> bool:
    """Whether the font draws something of its own for `char`."""
    mask = bytes(load(source, 16.0).getmask(char))
    return mask != _missing(source) and any(mask)


@functools.cache
def _missing(source: Source) -> bytes:
    """What the font draws for a character it lacks."""
    return bytes(load(source, 16.0).getmask("\uffff"))


@functools.cache
def holds_pictures(path: Path) -> bool:
    """Whether the font's characters are coloured pictures, by its table of contents. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] not in (b"\0\1\0\0", b"OTTO", b"true"):
            return False
        tables = file.read(16 * struct.unpack(">H", head[4:6])[0])
    return any(tables[start : start + 4] in _PICTURE_TABLES for start in range(0, len(tables), 16))


@functools.cache
def load_pictures(path: Path) -> ImageFont.FreeTypeFont:
    """A font of pictures at a size that it has. Raises `OSError` if there is none."""
    for size in _STRIKES:
        try:
            return load(path, float(size))
        except OSError:
            continue
    raise OSError("no pictures of a known size")
