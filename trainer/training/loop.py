"""The training loop: from step to step, reported and saved on the way; stops cleanly and continues bit for bit."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch

from manifests.progress import OnProgress, ignore
from trainer.data.windows import Loader
from trainer.planning.cost import peak_flops, tokens_a_step, training_flops
from trainer.progress import TrainingProgress
from trainer.settings.config import TrainConfig
from trainer.training.log import RunLog
from trainer.training.optimise import Job, StepResult, backward, train_step
from trainer.training.state import State


@dataclass(frozen=True)
class Result:
    """How a call of `train` ended."""

    step: int
    seconds: float
    loss: float
    """Mean of the last steps of this call; NaN when there were none."""
    tokens_per_second: float
    mfu: float | None
    waited: float
    """Share of the time that was spent waiting for data."""
    signal: int | None
    """The signal that ended it, if one did."""


@contextmanager
def stop_on_signal(alone: bool = True) -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list instead of dying, so that a step can be finished and saved.

    Outside the main thread nothing is collected: only the main one is given signals.

    alone: a second Ctrl-C ends at once. torchrun sends every rank a second one itself.
    """
    caught: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        if alone:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    ours = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, remember) for number in ours}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def seconds_a_step(state: State, loader: Loader, job: Job) -> float:
    """Time of one step, measured on the next batch; weights and random numbers stay as they are."""
    batch = loader.load(state.step)
    if job.config.train.compile or job.device.type == "cuda":  # there, attention is compiled in any case
        backward(state.model, batch, job)
    start = time.monotonic()
    backward(state.model, batch, job)
    state.optimizer.zero_grad(set_to_none=True)
    return time.monotonic() - start


class Pace:
    """Speed of a run, over its last steps."""

    def __init__(self, job: Job) -> None:
        self._tokens, self._flops = tokens_a_step(job.config), training_flops(job.config)
        self._device, self._start = job.device, time.monotonic()
        self._peak: float | None = None
        if job.device.type == "cuda" and job.config.train.precision != "fp32":
            peak = peak_flops(torch.cuda.get_device_name(job.device))
            self._peak = None if peak is None else peak * job.ranks.world
        self._ends: list[tuple[float, float]] = [(self._start, 0.0)]

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def step(self, waited: float) -> None:
        """A step is done; `waited` s for data since the start."""
        self._ends.append((time.monotonic(), waited))

    def recent(self, steps: int = 20) -> dict[str, float]:
        """Tokens a second, share of the time spent waiting, MFU and GPU memory, over the last steps."""
        last = self._ends[-1 - steps :]
        count, (first, before), (now, after) = len(last) - 1, last[0], last[-1]
        each = max(now - first, 1e-9) / max(count, 1)
        told = {"tokens_per_second": self._tokens / each, "waiting": (after - before) / max(now - first, 1e-9)}
        if self._peak is not None:
            told["mfu"] = self._flops / each / self._peak
        if self._device.type == "cuda":
            told["gpu_gib"] = torch.cuda.max_memory_allocated(self._device) / 2**30
        return told


def train(
    run: Path, state: State, loader: Loader, job: Job, log: RunLog | None, on_progress: OnProgress = ignore
) -> Result:
    """Train from `state.step` to `train.steps`, or until `train.max_seconds` or a signal; saves at the end too.

    All ranks call it; the first one has the log and reports. Raises `GoaltraceError` when a step or a checkpoint fails.
    """
    config, ranks, first = job.config.train, job.ranks, state.step
    losses: list[float] = []
    pace, saved, waited_before = Pace(job), time.monotonic(), loader.waited
    share, stop = 0.0, 0
    on_progress(TrainingProgress("training", 0, config.steps - first, "step", step=first))
    with (
        stop_on_signal(ranks.world == 1) as caught,
        closing(loader.iterate(first, config.steps)) as batches,
    ):
        for batch in batches:
            step = train_step(state, batch, job, share)
            losses.append(step.loss)
            pace.step(loader.waited - waited_before)
            if log is not None:
                bad = {"clips_left_out": loader.left_out} if loader.left_out else {}
                log.add(state.step, _line(step, pace) | bad)
            on_progress(_progress(state.step, losses, pace, job.config.train, loader.left_out))
            spent = pace.seconds / config.max_seconds if config.max_seconds else 0.0
            due = time.monotonic() - saved >= config.save_seconds
            said = ranks.table([float(caught[0]) if caught else 0.0, spent, float(due)])
            stop, share = int(said[:, 0].max()), float(said[0, 1])
            if stop or share >= 1:
                break
            if said[0, 2] or (config.save_steps and state.step % config.save_steps == 0):
                if log is not None:
                    log.flush()
                state.save(run, ranks, config.keep)
                saved = time.monotonic()
        batches.close()
        state.save(run, ranks, config.keep)
    recent, told = losses[-20:], pace.recent(len(losses))
    mean = sum(recent) / len(recent) if recent else math.nan
    return Result(
        state.step, pace.seconds, mean, told["tokens_per_second"], told.get("mfu"), told["waiting"], stop or None
    )


def _line(step: StepResult, pace: Pace) -> dict[str, float]:
    """A step's numbers, as logged."""
    levels = {f"loss/noise_{place}": value for place, value in enumerate(step.by_level)}
    parts = {f"loss/{name}": value for name, value in step.parts.items()}
    told = {"loss": step.loss, **parts, **levels, "gradient_norm": step.norm, "lr": step.rate}
    return {**told, "seconds": pace.seconds, **pace.recent()}


def _progress(step: int, losses: list[float], pace: Pace, config: TrainConfig, left_out: int) -> TrainingProgress:
    recent, done = pace.recent(), len(losses)
    total = config.steps - step + done
    if config.max_seconds:
        total = min(max(done, round(done * config.max_seconds / pace.seconds)), total)
    return TrainingProgress(
        "training", done, total, "step", step=step, step_loss=losses[-1], loss=sum(losses[-20:]) / len(losses[-20:]),
        tokens_per_second=recent["tokens_per_second"], waiting=recent["waiting"], mfu=recent.get("mfu"),
        gpu_gib=recent.get("gpu_gib"), clips_left_out=left_out,
    )  # fmt: skip
