"""Shows a command's progress on standard error: bars on a terminal, elsewhere now and then a line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from manifests.progress import OnProgress, Progress
from trainer.progress import TrainingProgress

LINE_SECONDS = 60.0
_TRAINING = "{l_bar}{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"  # fits 80 columns
_BYTES = "B"


@contextmanager
def shown(begun: bool = False) -> Iterator[OnProgress]:
    """begun: where no bar can be drawn, a line says that work begins."""
    if not sys.stderr.isatty():
        yield _Lines(begun)
        return
    bars = _Bars()
    try:
        yield bars
    finally:
        bars.close()


class _Lines:
    """For a batch job's file, or a pipe."""

    def __init__(self, begun: bool) -> None:
        self._begun, self._next = begun, 0.0

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            print(progress.message, file=sys.stderr, flush=True)
        elif isinstance(progress, TrainingProgress):
            if progress.done and time.monotonic() >= self._next:
                self._next = time.monotonic() + LINE_SECONDS
                print(_line(progress), file=sys.stderr, flush=True)
        elif self._begun and not progress.done and progress.unit != _BYTES:
            print(f"{progress.work} ...", file=sys.stderr, flush=True)


class _Bars:
    """One bar at a time, and others below it for what is fetched meanwhile."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[Any]] = {}

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            tqdm.write(progress.message, file=sys.stderr)
            return
        bar = self._bars.get(progress.work)
        if bar is None:
            bar = self._new(progress)
        bar.total = progress.total
        if isinstance(progress, TrainingProgress) and progress.done:
            bar.set_postfix(_figures(progress), refresh=False)
        bar.update(progress.done - bar.n)
        if progress.unit == _BYTES and progress.total is not None and progress.done >= progress.total:
            self._bars.pop(progress.work).close()

    def _new(self, progress: Progress) -> tqdm[Any]:
        fetched, training = progress.unit == _BYTES, isinstance(progress, TrainingProgress)
        if not fetched:
            self.close()
        bar: tqdm[Any] = tqdm(
            total=progress.total, initial=progress.done, desc=progress.work, unit=progress.unit, leave=not fetched,
            unit_scale=fetched or progress.work == "encoding", bar_format=_TRAINING if training else None,
            mininterval=0.5 if training else 0.1,
        )  # fmt: skip
        self._bars[progress.work] = bar
        return bar

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()
        self._bars.clear()


def _line(progress: TrainingProgress) -> str:
    text = f"step {progress.step:,}: loss {progress.step_loss:.4f}"
    text += f", {progress.tokens_per_second:,.0f} tokens/s" if math.isfinite(progress.tokens_per_second) else ""
    text += f", MFU {progress.mfu:.1%}" if progress.mfu is not None else ""
    return f"{text}, {progress.waiting:.1%} waiting for data"


def _figures(progress: TrainingProgress) -> dict[str, str]:
    texts = {"loss": f"{progress.loss:.4f}", "tok/s": f"{progress.tokens_per_second:,.0f}"}
    if progress.clips_left_out:
        texts["left out"] = str(progress.clips_left_out)
    if progress.mfu is not None:
        texts["MFU"] = f"{progress.mfu:.1%}"
    if progress.waiting >= 0.01:
        texts["waiting"] = f"{progress.waiting:.0%}"
    if progress.gpu_gib is not None:
        texts["GPU"] = f"{progress.gpu_gib:.1f} GiB"
    return texts
