"""Progress of training (a step's figures), and a counter that reports how many items of some work are done."""

from __future__ import annotations

import math
from dataclasses import dataclass

from manifests.progress import OnProgress, Progress


@dataclass(frozen=True)
class TrainingProgress(Progress):
    """The `done`-th training step of this call is done; with `done` 0 training begins, and there are no figures yet."""

    step: int = 0
    """The last step done, counted over the whole run."""
    step_loss: float = math.nan
    loss: float = math.nan
    """Mean of the last 20 steps."""
    tokens_per_second: float = math.nan
    waiting: float = 0.0
    """Share of the time that is spent waiting for data."""
    mfu: float | None = None
    """None where the device's peak is not known."""
    gpu_gib: float | None = None
    clips_left_out: int = 0
    """Clips left out so far, since their videos cannot be decoded."""


class ProgressCounter:
    """Reports that work begins, and then how many items are done each time it is called."""

    def __init__(self, on_progress: OnProgress, work: str, unit: str, total: int | None = None, done: int = 0) -> None:
        self._on_progress, self._work, self._unit, self._total, self._done = on_progress, work, unit, total, done
        self(0)

    def __call__(self, count: int = 1) -> None:
        self._done += count
        self._on_progress(Progress(self._work, self._done, self._total, self._unit))
