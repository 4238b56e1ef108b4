"""What changed between two screens."""

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
