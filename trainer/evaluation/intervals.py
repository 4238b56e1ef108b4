"""Confidence intervals of figures: percentile bootstrap over sessions (Efron & Tibshirani 1993, chapter 13), seeded.

Sessions are drawn with replacement, and of each one drawn its clips, which bring all their frames and seeds: what one
session holds is not independent. With few sessions the interval is itself rough; it says nothing of sessions unlike
these, and of a single one it shows how its clips vary.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trainer.evaluation.metrics import MOST_DB

DRAWS, COVERED = 1000, 0.95
How = Literal["mean", "share", "decibel", "decibels", "median", "hits"]
HIT_PX = 3.0


@dataclass(frozen=True)
class Sample:
    """What a figure is computed from; one entry a clip.

    how: "mean" of the clips' own quotients, "share" sum over sum, "decibel" of sum over sum, "decibels" the mean of
    each clip's decibels, "median" of all values, "hits" share of all values that are at most 3 px.
    """

    how: How
    sums: Sequence[float] = ()
    counts: Sequence[float] = ()
    values: Sequence[Sequence[float]] = ()
    sessions: Sequence[str] = ()
    """Of each clip; without them each is a session of its own."""

    @property
    def clips(self) -> int:
        return len(self.values) if self.how in ("median", "hits") else len(self.counts)

    def figure(self, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """For each row of `weights` [draws, clips] (how often a clip was drawn); NaN where nothing counts."""
        if weights is None:
            weights = np.ones((1, self.clips))
        if self.how in ("median", "hits"):
            return self._pooled(weights)
        sums, counts = np.asarray(self.sums, np.float64), np.asarray(self.counts, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.how in ("mean", "decibels"):
                own = np.where(counts > 0, sums / counts, np.nan)
                own = decibels(own) if self.how == "decibels" else own
                there = counts > 0
                sums, counts = np.where(there, own, 0.0), there.astype(np.float64)
            quotient: NDArray[np.float64] = (weights @ sums) / (weights @ counts)
        return decibels(quotient) if self.how == "decibel" else quotient

    def _pooled(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        values = np.concatenate([np.asarray(part, np.float64) for part in self.values] or [np.zeros(0)])
        clip = np.repeat(np.arange(len(self.values)), [len(part) for part in self.values])
        if not len(values):
            return np.full(len(weights), np.nan)
        drawn = weights[:, clip]
        total = drawn.sum(axis=1)
        with np.errstate(invalid="ignore"):
            if self.how == "hits":
                share: NDArray[np.float64] = drawn @ (values <= HIT_PX) / total
                return share
            order = np.argsort(values, kind="stable")
            running = np.cumsum(drawn[:, order], axis=1)
            low, high = ((running >= (total * 0.5)[:, None]), (running > (total * 0.5)[:, None]))
            middle = (values[order][low.argmax(axis=1)] + values[order][high.argmax(axis=1)]) / 2
        return np.where(total > 0, middle, np.nan)

    def to_dict(self) -> dict[str, Any]:
        """How it is kept in evaluation.json."""
        if self.how in ("median", "hits"):
            return {"how": self.how, "values": [[round(float(v), 3) for v in part] for part in self.values]}
        return {"how": self.how, "sums": list(map(float, self.sums)), "counts": list(map(float, self.counts))}


def decibels(error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of mean squared errors; NaN stays NaN."""
    found: NDArray[np.float64] = np.minimum(MOST_DB, -10 * np.log10(np.maximum(error, 1e-12)))
    return found


def drawn(sample: Sample, seed: int) -> NDArray[np.float64]:
    """How often each clip is drawn in each of the draws, [DRAWS, clips]: sessions are drawn, and then clips of each."""
    return _drawn(tuple(sample.sessions) or tuple(map(str, range(sample.clips))), seed)


@functools.lru_cache(maxsize=4)  # the same for all figures of a kind
def _drawn(sessions: tuple[str, ...], seed: int) -> NDArray[np.float64]:
    _, session, sizes = np.unique(sessions, return_inverse=True, return_counts=True)
    members = np.zeros((len(sizes), sizes.max()), np.int64)
    for number, size in enumerate(sizes):
        members[number, :size] = np.flatnonzero(session == number)
    rng = np.random.default_rng(seed)
    picked = rng.integers(0, len(sizes), (DRAWS, len(sizes), 1))
    places = np.arange(members.shape[1])
    chosen = members[picked, (rng.random((DRAWS, len(sizes), len(places))) * sizes[picked]).astype(np.int64)]
    weights = np.zeros((DRAWS, len(sessions)))
    np.add.at(weights, (np.arange(DRAWS)[:, None, None], chosen), places < sizes[picked])
    weights.flags.writeable = False
    return weights


def interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """The middle 95 % of the draws in which the figure exists; None where it exists in fewer than half."""
    values = values[np.isfinite(values)]
    if len(values) < DRAWS / 2:
        return None
    low, high = np.quantile(values, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)


def with_interval(sample: Sample, seed: int) -> dict[str, Any] | None:
    """`{"value", "low", "high"}`; low and high are None for one clip; None where the figure does not exist."""
    value = float(sample.figure()[0]) if sample.clips else float("nan")
    if not np.isfinite(value):
        return None
    ends = interval(sample.figure(drawn(sample, seed))) if sample.clips > 1 else None
    return {"value": value, "low": ends[0] if ends else None, "high": ends[1] if ends else None}


def paired_difference(a: Sample, b: Sample, seed: int) -> dict[str, Any] | None:
    """b - a over the same clips in the same order: both are computed from the same draws."""
    if a.clips != b.clips:
        raise ValueError(f"{a.clips} clips against {b.clips}")
    value = float(b.figure()[0] - a.figure()[0]) if a.clips else float("nan")
    if not np.isfinite(value):
        return None
    weights = drawn(a, seed)
    ends = interval(b.figure(weights) - a.figure(weights)) if a.clips > 1 else None
    return {"value": value, "low": ends[0] if ends else None, "high": ends[1] if ends else None}
