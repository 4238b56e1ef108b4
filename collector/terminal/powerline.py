"""Powerline symbols, U+E0A0 to U+E0D4: prompts join them to coloured cells, and no common font has them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from collector.terminal.shapes import Cover, Points, ellipse, polygons, strokes

_Draw = Callable[[int, int], Cover]


def powerline(char: str, width: int, height: int) -> Cover | None:
    """Coverage of a powerline symbol; None for any other character."""
    draw = _DRAWN.get(char)
    return None if draw is None else draw(width, height)


def _fill(*shapes: Points) -> _Draw:
    return lambda width, height: polygons(width, height, *shapes)


def _line(*lines: Points) -> _Draw:
    return lambda width, height: strokes(width, height, *lines)


def _mirrored(draw: _Draw) -> _Draw:
    return lambda width, height: draw(width, height)[:, ::-1]


def _half_circle(filled: bool) -> _Draw:
    return lambda width, height: ellipse(width, height, (-1, 0, 1, 1), filled)


def _honeycomb(filled: bool) -> _Draw:
    cells = [(x, y) for x, y in ((0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.5, 0.25), (0.5, 0.75))]
    hexagons = [
        [(x + 0.22 * math.cos(turn * math.pi / 3), y + 0.11 * math.sin(turn * math.pi / 3)) for turn in range(7)]
        for x, y in cells
    ]
    return _fill(*hexagons) if filled else _line(*hexagons)


def _pixels(columns: int, rows: int) -> _Draw:
    """Squares that thin out towards the right."""

    def draw(width: int, height: int) -> Cover:
        cover = np.zeros((height, width), dtype=np.uint8)
        for y in range(rows):
            for x in range(columns):
                if (y * 3 + x * 2) % columns >= x:
                    top, left = y * height // rows, x * width // columns
                    cover[top : (y + 1) * height // rows, left : (x + 1) * width // columns] = 255
        return cover

    return draw


_POINT: Points = [(0, 0), (1, 0.5), (0, 1)]
_FALLING: Points = [(0, 0), (1, 1)]
_RISING: Points = [(0, 1), (1, 0)]
_FLAME: Points = [(0.45, 0), (0.6, 0.14), (1, 0.2), (0.55, 0.3), (0.4, 0.42), (0.7, 0.55), (0.95, 0.58), (0.6, 0.68),
                  (0.45, 0.8), (0.7, 0.9), (1, 1)]  # fmt: skip
_ICE: Points = [(0.4, 0), (0.9, 0.17), (0.3, 0.33), (1, 0.5), (0.3, 0.67), (0.9, 0.83), (0.4, 1)]
_STUD: Points = [(0, 0), (0.6, 0), (0.6, 0.2), (1, 0.2), (1, 0.4), (0.6, 0.4), (0.6, 0.6), (1, 0.6), (1, 0.8),
                 (0.6, 0.8), (0.6, 1), (0, 1)]  # fmt: skip
_RIGHTWARD: dict[int, _Draw] = {
    0xE0B0: _fill(_POINT), 0xE0B1: _line(_POINT),
    0xE0B4: _half_circle(True), 0xE0B5: _half_circle(False),
    0xE0C0: _fill([(0, 0), *_FLAME, (0, 1)]), 0xE0C1: _line(_FLAME),
    0xE0C4: _pixels(4, 8), 0xE0C6: _pixels(2, 4),
    0xE0C8: _fill([(0, 0), *_ICE, (0, 1)]),
    0xE0D2: _fill([(0, 0), (1, 0), (0.5, 0.45), (0, 0.45)], [(0, 0.55), (0.5, 0.55), (1, 1), (0, 1)]),
}  # fmt: skip
"""Those with a mirrored twin."""
_TWINS = {0xE0B0: 0xE0B2, 0xE0B1: 0xE0B3, 0xE0B4: 0xE0B6, 0xE0B5: 0xE0B7, 0xE0C0: 0xE0C2, 0xE0C1: 0xE0C3,
          0xE0C4: 0xE0C5, 0xE0C6: 0xE0C7, 0xE0C8: 0xE0CA, 0xE0D2: 0xE0D4}  # fmt: skip
_DRAWN: dict[str, _Draw] = {
    "\ue0a0": _line([(0.3, 0.15), (0.3, 0.85)], [(0.75, 0.3), (0.75, 0.45), (0.3, 0.65)],
                    [(0.6, 0.4), (0.75, 0.28), (0.9, 0.4)]),
    "\ue0a1": _line([(0.2, 0.1), (0.2, 0.45), (0.55, 0.45)], [(0.45, 0.9), (0.45, 0.55), (0.85, 0.9), (0.85, 0.55)]),
    "\ue0a2": lambda width, height: np.maximum(
        polygons(width, height, [(0.1, 0.45), (0.9, 0.45), (0.9, 0.85), (0.1, 0.85)]),
        strokes(width, height, [(0.25, 0.45), (0.25, 0.3), (0.4, 0.2), (0.6, 0.2), (0.75, 0.3), (0.75, 0.45)]),
    ),
    "\ue0a3": _line([(0.55, 0.15), (0.2, 0.15), (0.2, 0.45), (0.55, 0.45)],
                    [(0.45, 0.9), (0.45, 0.55), (0.85, 0.9), (0.85, 0.55)]),
    **{chr(code): draw for code, draw in _RIGHTWARD.items()},
    **{chr(_TWINS[code]): _mirrored(draw) for code, draw in _RIGHTWARD.items()},
    "\ue0b8": _fill([(0, 0), (1, 1), (0, 1)]), "\ue0b9": _line(_FALLING),
    "\ue0ba": _fill([(1, 0), (1, 1), (0, 1)]), "\ue0bb": _line(_RISING),
    "\ue0bc": _fill([(0, 0), (1, 0), (0, 1)]), "\ue0bd": _line(_RISING),
    "\ue0be": _fill([(0, 0), (1, 0), (1, 1)]), "\ue0bf": _line(_FALLING),
    "\ue0cc": _honeycomb(True), "\ue0cd": _honeycomb(False),
    "\ue0ce": _fill(_STUD), "\ue0cf": _line(_STUD[1:-1]),
    "\ue0d0": _fill([(0, 0.2), (1, 0.2), (1, 1), (0, 1)], [(0.25, 0), (0.75, 0), (0.75, 0.2), (0.25, 0.2)]),
    "\ue0d1": _fill([(0, 0), (0.7, 0), (0.7, 1), (0, 1)], [(0.7, 0.3), (1, 0.3), (1, 0.7), (0.7, 0.7)]),
}  # fmt: skip
