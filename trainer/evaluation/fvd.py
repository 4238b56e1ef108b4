"""FVD: how far the generated windows are from the recorded ones as sets (Unterthiner et al., arXiv 1812.01717).

Both sets are looked at through I3D's 400 logits, as the published code does, and taken for Gaussians; FVD is the
Fréchet distance of these. It has no value for a clip, so no interval is drawn over clips: a draw with repeated clips
has fewer different windows than the set, and its distance is off in a way of its own. What can be said without any
such assumption is how often true and shuffled actions would differ as much if they were the same to the model: the two
are swapped within whole sessions at random (a permutation test).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.evaluation.i3d import LEAST_FRAMES
from trainer.evaluation.scenes import Scene

MOST_FRAMES = 16
AT_ONCE = 4  # windows; their features are large
SWAPS = 199
ROWS = ("true", "shuffled", "null", "repeat", "codec")
Features = NDArray[np.float64]
"""[windows, 400]."""


def frechet(a: Features, b: Features) -> float:
    """|μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½) of two sets [n, d] and [m, d], n and m at least 2; never negative.

    With Σ = RᵀR the trace of the root is the sum of the singular values of Ra Rbᵀ, so no root of a matrix is drawn and
    a covariance without full rank (fewer windows than features) does no harm to the arithmetic.
    """
    ra, rb = _root(a), _root(b)
    apart = float(np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2))
    shared = float(np.linalg.svd(ra @ rb.T, compute_uv=False).sum())
    return max(0.0, apart + float(np.sum(ra**2)) + float(np.sum(rb**2)) - 2 * shared)


def _root(a: Features) -> Features:
    """R [min(n, d), d] with RᵀR the covariance of a [n, d]."""
    return np.asarray(np.linalg.qr((a - a.mean(axis=0)) / np.sqrt(len(a) - 1), mode="r"))


@dataclass
class FVD:
    """Takes in roll-outs as they are made and keeps their features alone."""

    network: Callable[[Tensor], Tensor]
    """float [n, T, height, width, 3] in 0..1 -> [n, d]: I3D."""
    frames: int
    """Of a window."""
    found: dict[tuple[str, int], list[Features]] = field(default_factory=dict)
    """(row, scene) -> the features of its windows, once a seed."""

    @classmethod
    def over(cls, scenes: Sequence[Scene], network: Callable[[Tensor], Tensor]) -> FVD:
        """`GoaltraceError` when the scenes are too short or too few."""
        made = min(scene.made for scene in scenes)
        if made < LEAST_FRAMES:
            raise GoaltraceError(
                f"--fvd: looks at windows of at least {LEAST_FRAMES} generated frames, and here are {made}; "
                f"add --frames {MOST_FRAMES}, or hold out longer clips"
            )
        frames = min(made, MOST_FRAMES)
        for kind in sorted({scene.kind for scene in scenes}):
            if sum(scene.made // frames for scene in scenes if scene.kind == kind) < 2:
                raise GoaltraceError(f"--fvd: one {kind} window has no spread; add --clips, or hold out more sessions")
        return cls(network, frames)

    def take(self, row: str, number: int, scene: Scene, video: Tensor) -> None:
        """The generated frames of `video`, float [F, height, width, 3], in windows one behind the other."""
        made = video[scene.given :]
        windows = made[: len(made) // self.frames * self.frames].reshape(-1, self.frames, *made.shape[1:])
        features = torch.cat([self.network(few) for few in torch.split(windows, AT_ONCE)]).double().numpy()
        if not np.isfinite(features).all():
            raise GoaltraceError(
                f"--fvd: what I3D sees ({row}) is not finite: its weights, or the pictures, are damaged"
            )
        self.found.setdefault((row, number), []).append(features)

    def report(self, scenes: Sequence[Scene], kind: str, seed: int) -> dict[str, Any]:
        """One kind's distances and what they were taken from.

        Returns:
            {"rows": {row: distance to the recorded windows, the mean over seeds}, "windows", "frames" (of each),
            "features", "sessions", "as_large": see `as_large`, "swaps", "warning": a line, or ""}
        """
        numbers = [n for n, scene in enumerate(scenes) if scene.kind == kind]
        real = self._sets("recorded", numbers)[0]
        sets = {row: self._sets(row, numbers) for row in ROWS}
        names = [scenes[n].clip.session for n in numbers for _ in range(len(self.found["recorded", n][0]))]
        session = np.unique(names, return_inverse=True)[1]
        return {
            "rows": {row: _mean_distance(real, some) for row, some in sets.items()},
            "windows": len(real),
            "frames": self.frames,
            "features": real.shape[1],
            "sessions": int(session.max()) + 1,
            "as_large": as_large(real, sets["true"], sets["shuffled"], session, seed),
            "swaps": SWAPS,
            "warning": warning(*real.shape),
        }

    def _sets(self, row: str, numbers: Sequence[int]) -> list[Features]:
        """All windows of the row's scenes, once a seed."""
        return [np.concatenate(parts) for parts in zip(*(self.found[row, n] for n in numbers), strict=True)]


def _mean_distance(real: Features, sets: Sequence[Features]) -> float:
    return float(np.mean([frechet(real, some) for some in sets]))


def as_large(
    real: Features, true: Sequence[Features], shuffled: Sequence[Features], session: NDArray[np.int64], seed: int
) -> float:
    """The p-value of "true actions are no nearer to the recording than shuffled ones", one-sided.

    Args:
        true, shuffled: [windows, d] a seed, window by window of the same clips.
        session: [windows] the number of each window's session, in which all are swapped together or none.
    """
    rng = np.random.default_rng(seed)
    nearer = _mean_distance(real, shuffled) - _mean_distance(real, true)
    count = 1  # as it was measured, which is one of the ways to swap
    for _ in range(SWAPS):
        swap = rng.integers(0, 2, session.max() + 1).astype(bool)[session][:, None]
        one = [np.where(swap, b, a) for a, b in zip(true, shuffled, strict=True)]
        other = [np.where(swap, a, b) for a, b in zip(true, shuffled, strict=True)]
        count += _mean_distance(real, other) - _mean_distance(real, one) >= nearer - 1e-9 * abs(nearer)
    return count / (SWAPS + 1)


def warning(windows: int, features: int) -> str:
    """What a reader must know of a distance from few windows; "" where there are more than features."""
    if windows > features:
        return ""
    return (
        f"FVD from {windows} windows is biased upwards: with no more windows than features ({features}) the "
        "covariances are singular; compare it only between runs with the same windows"
    )
