"""Emoji in colour: a picture from a font of pictures (Noto Color Emoji), made to fit its cells."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from collector.terminal.faces import load_pictures

Picture = NDArray[np.uint8]
"""Red, green, blue, opacity of shape [height, width, 4], 0..255."""


@functools.lru_cache(maxsize=4096)
def emoji(path: Path, char: str, width: int, height: int) -> Picture | None:
    """`char` as large as fits in `width` x `height` px, in the middle; None if the font has no picture of it."""
    image = _drawn(path, char)
    box = image.getbbox()
    if box is None or image.tobytes() == _drawn(path, "\uffff").tobytes():
        return None
    # the whole advance, not the ink: emoji beside each other keep their sizes
    scale = min(width / image.width, height / (box[3] - box[1]))
    size = (max(1, round(image.width * scale)), max(1, round((box[3] - box[1]) * scale)))
    small = image.crop((0, box[1], image.width, box[3])).resize(size, Image.Resampling.BOX)
    picture = Image.new("RGBA", (width, height))
    picture.paste(small, ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.array(picture)


def _drawn(path: Path, char: str) -> Image.Image:
    font = load_pictures(path)
    size = round(font.size)
    image = Image.new("RGBA", (max(1, round(font.getlength(char))), 2 * size))
    ImageDraw.Draw(image).text((0, 1.5 * size), char, fill="white", font=font, anchor="ls", embedded_color=True)
    return image
