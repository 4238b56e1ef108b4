"""Drawing aids for the characters that must join: everything at any cell size, as coverage 0..255."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Cover = NDArray[np.uint8]
"""Coverage of one cell: uint8 of shape [height, width]."""
Points = list[tuple[float, float]]
"""Corners in cells: 0, 0 is the top left and 1, 1 the bottom right."""
_FINER = 8


def light(width: int) -> int:
    """Thickness in px of a light line in cells of `width` px."""
    return max(1, round(width / 8))


def heavy(width: int) -> int:
    """Thickness of a heavy line: as even or odd as the light one, so that their middles are the same."""
    return light(width) + 2 * max(1, light(width) // 2)


def middle(length: int, thickness: int, thin: int) -> tuple[int, int]:
    """Where a line of `thickness` px lies across a cell of `length` px whose light lines have `thin` px."""
    start = (length - thin) // 2 - (thickness - thin) // 2
    return max(0, start), min(length, start + thickness)


def polygons(width: int, height: int, *shapes: Points) -> Cover:
    """Filled polygons, with smooth edges."""
    image = Image.new("L", (width * _FINER, height * _FINER))
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        draw.polygon([(x * width * _FINER, y * height * _FINER) for x, y in shape], fill=255)
    return _smooth(image, width, height)


def strokes(width: int, height: int, *lines: Points) -> Cover:
    """Light lines through points, with smooth edges."""
    image = Image.new("L", (width * _FINER, height * _FINER))
    draw = ImageDraw.Draw(image)
    for line in lines:
        points = [(x * width * _FINER, y * height * _FINER) for x, y in line]
        draw.line(points, fill=255, width=light(width) * _FINER, joint="curve")
    return _smooth(image, width, height)


def ellipse(width: int, height: int, box: tuple[float, float, float, float], filled: bool) -> Cover:
    """An ellipse inside `box` (left, top, right, bottom in cells)."""
    image = Image.new("L", (width * _FINER, height * _FINER))
    at = [part * (height if number % 2 else width) * _FINER for number, part in enumerate(box)]
    if filled:
        ImageDraw.Draw(image).ellipse(at, fill=255)
    else:
        ImageDraw.Draw(image).ellipse(at, outline=255, width=light(width) * _FINER)
    return _smooth(image, width, height)


def near(distance: NDArray[np.float64], thickness: float) -> Cover:
    """The pixels within half of `thickness` px of a line, given each pixel's distance from it."""
    return np.asarray(np.clip(thickness / 2 + 0.5 - distance, 0, 1) * 255 + 0.5, dtype=np.uint8)


def centres(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y in px of every pixel's centre."""
    y, x = np.mgrid[0:height, 0:width]
    return x + 0.5, y + 0.5


def _smooth(image: Image.Image, width: int, height: int) -> Cover:
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))
