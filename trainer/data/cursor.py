"""Where the actions put the pointer, and its picture: the rendered cursor map that the model is given.

The map is made from the actions alone (and the clip's start state), never from where the pointer was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipActions

ARROW_WIDTH, ARROW_HEIGHT = 12, 19  # px of a common 24-px arrow; other shapes are learnt from its place


class ActedRow(ClipActions):
    """What actions say of the pointer: part of a clip's row."""

    kind: str


class SeenRow(ActedRow):
    """The same with where the pointer was seen."""

    cursor_in_pixels: bool
    cursor_x: list[int]
    cursor_y: list[int]


@dataclass(frozen=True)
class Letterbox:
    """How a recording lies in the model's picture: scaled by `scale`, moved by (left, top) px."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def fit(cls, source: tuple[int, int], target: tuple[int, int]) -> Letterbox:
        """Sizes are (width, height) in px; the aspect ratio is kept, the rest is black."""
        scale = min(target[0] / source[0], target[1] / source[1])
        width, height = max(1, round(source[0] * scale)), max(1, round(source[1] * scale))
        return cls(scale, (target[0] - width) // 2, (target[1] - height) // 2, width, height)

    def place(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Recorded px [n, 2] to px of the model's picture; NaN stays NaN."""
        placed: NDArray[np.float32] = (points * self.scale + np.array([self.left, self.top])).astype(np.float32)
        return placed


def pointer_path(clip: ActedRow, frames: Sequence[int]) -> NDArray[np.float32]:
    """Pointer in recorded px at each chosen frame, float32 [len(frames), 2]; NaN where the actions do not say.

    It is the position of the last action in a slot before the frame, else the clip's start position. A terminal
    has no pointer: its text cursor is something the screen shows, not something an action says.
    """
    path = np.full((len(frames), 2), np.nan, np.float32)
    if clip["kind"] != "desktop":
        return path
    moves = [(a["slot"], a["x"], a["y"]) for a in clip["actions"] if a["x"] is not None and a["y"] is not None]
    here = (clip["start_x"], clip["start_y"]) if clip["start_x"] >= 0 else None
    number = 0
    for k, frame in enumerate(frames):
        while number < len(moves) and moves[number][0] < frame:
            here = moves[number][1:]
            number += 1
        if here is not None:
            path[k] = here
    return path


def seen_pointer(clip: SeenRow, frames: Sequence[int]) -> NDArray[np.float32]:
    """Pointer in recorded px as seen in each chosen frame, float32 [len(frames), 2]; the truth to measure against."""
    points = np.stack([np.asarray(clip["cursor_x"]), np.asarray(clip["cursor_y"])], axis=1)[list(frames)]
    points = points.astype(np.float32)
    points[points[:, 0] < 0] = np.nan
    if clip["kind"] != "desktop" or not clip["cursor_in_pixels"]:
        points[:] = np.nan
    return points


@cache
def _arrow() -> NDArray[np.float32]:
    """Centres of the arrow's pixels relative to its tip, float32 [n, 2] (x, y)."""
    rows = []
    for y in range(ARROW_HEIGHT):
        right = min(y + 1, ARROW_WIDTH) if y < 12 else 4 + (y - 12) // 2
        left = 0 if y < 15 else 3
        rows += [(x + 0.5, y + 0.5) for x in range(left, right)]
    return np.array(rows, np.float32)


def render_map(
    points: NDArray[np.float32], scale: float, size: tuple[int, int], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Draw an arrow's coverage at each point; onto `out`, which is 0, if it is given.

    Args:
        points: float32 [n, 2], px of the model's picture; NaN draws nothing.
        scale: model px per recorded px.
        size: (width, height) of the picture.

    Returns:
        float32 [n, height, width] in 0..1.
    """
    width, height = size
    count = len(points)
    maps = np.zeros((count, height, width), np.float32) if out is None else out
    xy = points[:, None, :] + _arrow()[None] * scale
    cells = np.floor(np.where(np.isfinite(xy), xy, -1)).astype(np.int64)
    x, y = cells[..., 0], cells[..., 1]
    frame, pixel = np.nonzero((x >= 0) & (x < width) & (y >= 0) & (y < height))
    drawn = frame, y[frame, pixel], x[frame, pixel]
    np.add.at(maps, drawn, scale**2)
    maps[drawn] = np.minimum(maps[drawn], 1.0)  # the rest stays untouched, and its memory unused
    return maps
