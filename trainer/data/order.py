"""Which windows come when: a pure function of seed and epoch, so that no worker, rank or stop changes it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class Order:
    """An endless order of `count` windows; `count` positions are an epoch.

    Without weights every window comes once an epoch. With weights each comes in proportion, rounded up or down: the
    weights are laid end to end and one window is drawn at every whole step, from a start that the epoch chooses
    (systematic resampling). So the sum is exact, and over the epochs every window gets its share.
    """

    def __init__(self, seed: int, count: int, weights: NDArray[np.float64] | None = None) -> None:
        self._seed, self._count = seed, count
        self._ends: NDArray[np.float64] | None = None
        if weights is not None and len(weights) and not np.all(weights == weights[0]):
            self._ends = np.cumsum(weights, dtype=np.float64)
            self._ends *= count / self._ends[-1]
            self._ends[-1] = count
        self._epoch = lru_cache(maxsize=2)(self._make)

    def at(self, position: int) -> int:
        """The window at a place of the global order."""
        epoch, place = divmod(position, self._count)
        return int(self._epoch(epoch)[place])

    def _make(self, epoch: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([self._seed, epoch])
        shuffled = rng.permutation(self._count)
        if self._ends is None:
            return shuffled
        draws = np.searchsorted(self._ends, np.arange(self._count) + rng.random(), side="right")
        return np.minimum(draws, self._count - 1)[shuffled]


def share(total: int, rank: int, world: int) -> range:
    """The places of a batch of `total` that belong to one rank; all ranks' together are all, in order."""
    return range(rank * total // world, (rank + 1) * total // world)
