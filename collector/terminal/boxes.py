"""Box drawing, U+2500 to U+257F: lines that join from cell to cell at any size.

What a character looks like is in its Unicode name ("BOX DRAWINGS DOWN HEAVY AND RIGHT UP LIGHT").
"""

from __future__ import annotations

import unicodedata

import numpy as np

from collector.terminal.shapes import Cover, centres, heavy, light, middle, near

_WEIGHTS = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 2, "DOUBLE": 3}
_ARMS = {
    "LEFT": ["left"], "RIGHT": ["right"], "UP": ["up"], "DOWN": ["down"],
    "HORIZONTAL": ["left", "right"], "VERTICAL": ["up", "down"],
}  # fmt: skip
_DASHES = {"DOUBLE DASH": 2, "TRIPLE DASH": 3, "QUADRUPLE DASH": 4}


def box(char: str, width: int, height: int) -> Cover | None:
    """Coverage of a box drawing character; None for any other."""
    if not "\u2500" <= char <= "\u257f":
        return None
    name = unicodedata.name(char).removeprefix("BOX DRAWINGS ")
    if "DIAGONAL" in name:
        return _diagonal(name, width, height)
    if "ARC" in name:
        return _arc(name, width, height)
    for dashes, count in _DASHES.items():
        if dashes in name:
            return _dashed(name, count, width, height)
    return _lines(arms(name), width, height)


def arms(name: str) -> dict[str, int]:
    """The arms that a name lists, with their weights: 1 light, 2 heavy, 3 double."""
    parts = [part.split() for part in name.split(" AND ")]
    weights = [next((_WEIGHTS[word] for word in part if word in _WEIGHTS), 0) for part in parts]
    given = next(weight for weight in weights if weight)
    return {
        arm: weight or given
        for part, weight in zip(parts, weights, strict=True)
        for word in part
        for arm in _ARMS.get(word, [])
    }


def _lines(weights: dict[str, int], width: int, height: int) -> Cover:
    thin = light(width)
    thick = [0, thin, heavy(width), 3 * thin]
    ink = np.zeros((height, width), dtype=bool)

    def fill(arm: str, thickness: int, across: int, value: bool, stop_near: bool = False) -> None:
        """Fill an arm from the cell's edge over its middle, to the far (or near) side of a line of `across` px."""
        length = width if arm in ("left", "right") else height
        start, end = middle(length, across, thin)
        if stop_near:
            start, end = end - thin, start + thin
        along = slice(0, end) if arm in ("left", "up") else slice(start, length)
        aside = slice(*middle(height if arm in ("left", "right") else width, thickness, thin))
        if arm in ("left", "right"):
            ink[aside, along] = value
        else:
            ink[along, aside] = value

    def crossing(arm: str) -> list[int]:
        return [weights.get(other, 0) for other in (("up", "down") if arm in ("left", "right") else ("left", "right"))]

    double = [arm for arm, weight in weights.items() if weight == 3]
    for arm in double:
        fill(arm, 3 * thin, max(thin, *(thick[weight] for weight in crossing(arm))), True)
    for arm in double:
        fill(arm, thin, thin, False)
    opposite = {"left": "right", "right": "left", "up": "down", "down": "up"}
    for arm, weight in weights.items():
        if weight != 3:
            across = crossing(arm)
            stops = across == [3, 3] and opposite[arm] not in weights
            fill(arm, thick[weight], max(thin, *(thick[other] for other in across)), True, stops)
    return ink.astype(np.uint8) * 255


def _dashed(name: str, count: int, width: int, height: int) -> Cover:
    thickness = heavy(width) if "HEAVY" in name else light(width)
    across = "HORIZONTAL" in name
    length = width if across else height
    gap = max(1, round(length / count / 3))
    ink = np.zeros(length, dtype=bool)
    for number in range(count):
        ink[round(number * length / count) : max(1, round((number + 1) * length / count) - gap)] = True
    cover = np.zeros((height, width), dtype=np.uint8)
    aside = slice(*middle(height if across else width, thickness, light(width)))
    if across:
        cover[aside] = ink * 255
    else:
        cover[:, aside] = ink[:, None] * 255
    return cover


def _arc(name: str, width: int, height: int) -> Cover:
    """A quarter of a circle between two half lines; drawn as DOWN AND RIGHT and mirrored."""
    thin = light(width)
    x, y = centres(width, height)
    if "LEFT" in name:
        x = width - x
    if "UP" in name:
        y = height - y
    middle_x, middle_y = (sum(middle(length, thin, thin)) / 2 for length in (width, height))
    middle_x = width - middle_x if "LEFT" in name else middle_x
    middle_y = height - middle_y if "UP" in name else middle_y
    radius = min(width - middle_x, height - middle_y)
    centre_x, centre_y = middle_x + radius, middle_y + radius
    bend = np.abs(np.hypot(x - centre_x, y - centre_y) - radius)
    distance = np.where(
        y > centre_y, np.abs(x - middle_x), np.where(x > centre_x, np.abs(y - middle_y), bend)
    )  # fmt: skip
    return near(distance, thin)


def _diagonal(name: str, width: int, height: int) -> Cover:
    x, y = centres(width, height)
    scale = np.hypot(width, height)
    falling = np.abs(y * width - x * height) / scale
    rising = np.abs((height - y) * width - x * height) / scale
    if "CROSS" in name:
        return near(np.minimum(falling, rising), light(width))
    return near(falling if "UPPER LEFT" in name else rising, light(width))
