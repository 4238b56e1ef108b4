"""The size in px of a recorded terminal's character cells, inferred from its pictures' size and its text cursor."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

RECORDED_CELL = (8, 16)
"""Width and height in px of the cells that the recorder draws by default."""


def fitting_cell(
    width: int, height: int, cursor_x: Collection[int], cursor_y: Collection[int]
) -> tuple[int, int] | None:
    """Width and height of a cell in px: `RECORDED_CELL`, unless a position of the text cursor is not a centre of one.

    Otherwise the largest cell of about 1:2 that divides the picture and has every position of the cursor in the centre
    of a cell; None where no size fits.
    """
    x = np.unique([value for value in cursor_x if value >= 0]).astype(int)
    y = np.unique([value for value in cursor_y if value >= 0]).astype(int)

    def fits(wide: int, high: int) -> bool:
        whole = width % wide == 0 and height % high == 0
        return whole and bool((x % wide == wide // 2).all() and (y % high == high // 2).all())

    if fits(*RECORDED_CELL):
        return RECORDED_CELL
    sizes = [(w, h) for w in range(64, 3, -1) for h in range(int(w * 2.4), int(w * 1.6) - 1, -1) if fits(w, h)]
    return sizes[0] if sizes else None
