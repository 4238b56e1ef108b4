"""Between which of the chosen frames an action falls: the one rule of causality, for both encodings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def place_slots(slots: Sequence[int], frames: Sequence[int], parts: int) -> list[tuple[int, int] | None]:
    """For each slot: (index of the first chosen frame it leads to, which of `parts` of the way); None after the last.

    An action in slot s happened between recorded frames s and s + 1, so it leads to the first chosen frame after s.
    """
    places: list[tuple[int, int] | None] = []
    ends = np.asarray(frames)
    for slot, k in zip(slots, np.searchsorted(ends, np.asarray(slots, np.int64), side="right").tolist(), strict=True):
        if k >= len(frames):
            places.append(None)
        elif k == 0:
            places.append((0, parts - 1))
        else:
            begin, span = frames[k - 1], frames[k] - frames[k - 1]
            places.append((k, (slot - begin) * parts // span))
    return places
