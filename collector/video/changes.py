"""What changed between two screens: the share of pixels, and a box around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]


def difference(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> tuple[float, Box | None]:
    """Share of pixels that differ (0..1) and their bounding box (x, y, width, height) in px.

    Both are uint8 [height, width, 4]; the fourth byte is ignored by the X server's own making (it is constant).
    """
    a, b = before.view(np.uint32)[..., 0], after.view(np.uint32)[..., 0]
    rows = np.flatnonzero((a != b).any(axis=1))  # cheap in the common case that nothing moved
    if rows.size == 0:
        return 0.0, None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    mask = a[top:bottom] != b[top:bottom]
    columns = np.flatnonzero(mask.any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return float(mask.sum()) / a.size, (left, top, right - left, bottom - top)


def union(a: Box, b: Box) -> Box:
    """The smallest box around two."""
    left, top = min(a[0], b[0]), min(a[1], b[1])
    right, bottom = max(a[0] + a[2], b[0] + b[2]), max(a[1] + a[3], b[1] + b[3])
    return left, top, right - left, bottom - top


def difference_within(
    before: NDArray[np.uint8], after: NDArray[np.uint8], region: Box | None
) -> tuple[float, Box | None]:
    """`difference`, looking only inside `region` (clipped to the picture); None: everywhere."""
    if region is None:
        return difference(before, after)
    height, width = before.shape[:2]
    x0, y0 = max(region[0], 0), max(region[1], 0)
    x1, y1 = min(region[0] + region[2], width), min(region[1] + region[3], height)
    if x0 >= x1 or y0 >= y1:
        return 0.0, None
    share, box = difference(before[y0:y1, x0:x1], after[y0:y1, x0:x1])
    if box is None:
        return 0.0, None
    return share * (x1 - x0) * (y1 - y0) / (width * height), (box[0] + x0, box[1] + y0, box[2], box[3])
