"""The order of windows: a pure function of seed and epoch, so that no worker, rank or stop changes it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


class Order:
    """An endless order of `count` windows; `count` positions are an epoch.

    Without weights every window comes once an epoch. With weights each comes in proportion, rounded up or down: the
    weights are laid end to end and one window is drawn at every whole step, from a start that the epoch chooses
    (systematic resampling). So the sum is exact, and over the epochs every window gets its share.

    Up to `span` windows are shuffled as a whole: every order is as likely as any other. Of more, clips come in random
    order, and then each window moves by up to half of `span` places at random, so that a clip can be decoded once for
    all its windows. What is lost: the windows of a clip come within about `span` places, and those of two clips that
    are further apart never meet in a batch of that epoch. What is kept: an epoch is every window once, clips that are
    neighbours in the data set are not neighbours here, and the windows of a clip come in any order.
    """

    def __init__(
        self,
        seed: int,
        count: int,
        weights: NDArray[np.float64] | None = None,
        clips: NDArray[np.int64] | None = None,
        span: int = 0,
    ) -> None:
        """`clips`: the clip of each window, [count]; needed where `span`, the windows to be mixed, is not 0 (all)."""
        self._seed, self._count = seed, count
        self._clips, self._span = (clips, span) if 0 < span < count else (None, 0)
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
        drawn = np.arange(self._count)
        if self._ends is not None:
            drawn = np.searchsorted(self._ends, drawn + rng.random(), side="right")
            drawn = np.minimum(drawn, self._count - 1)
        if self._clips is None:
            return drawn[shuffled]
        turns = rng.permutation(self._clips.max() + 1)[self._clips[drawn]]
        ends = [np.searchsorted(np.sort(turns), turns, side) for side in ("left", "right")]
        places = (ends[0] + ends[1]) / 2 + self._span * (rng.random(self._count) - 0.5)  # around the clip's middle
        places = self._count - np.abs(self._count - np.abs(places))  # no thinner at the ends of an epoch
        return drawn[np.argsort(places)]


def share(total: int, rank: int, world: int) -> range:
    """The places of a batch of `total` that belong to one rank; all ranks' together are all, in order."""
    return range(rank * total // world, (rank + 1) * total // world)
