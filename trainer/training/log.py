"""What a run reports while it goes on: metrics.jsonl always, TensorBoard or Weights & Biases beside it."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from manifests.errors import GoaltraceError


class _Sink(Protocol):
    def add(self, step: int, values: dict[str, float]) -> None: ...

    def close(self) -> None: ...


class _TensorBoard:
    def __init__(self, run: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # what an earlier call wrote past the checkpoint is hidden
        self._writer: Any = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1 if step else None)

    def add(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _WeightsAndBiases:
    def __init__(self, run: Path, step: int) -> None:
        import wandb

        # the same run goes on after --resume
        name = run.resolve().name
        self._run: Any = wandb.init(project="goaltrace", name=name, id=name, resume="allow", dir=str(run))

    def add(self, step: int, values: dict[str, float]) -> None:
        self._run.log(values, step=step)

    def close(self) -> None:
        self._run.finish()


def require_logger(kind: str) -> None:
    """Raise `GoaltraceError` when what was asked for by name is not installed."""
    if kind in ("tensorboard", "wandb") and find_spec(kind) is None:
        other = "none" if kind == "tensorboard" else "tensorboard"
        raise GoaltraceError(f"--logger {kind}: its Python package is missing; pip install {kind}, or --logger {other}")


class RunLog:
    """One line a step, numbers only; what is not a number at a step (no frame had that noise level) is left out."""

    def __init__(self, run: Path, kind: str, step: int) -> None:
        """kind: auto (TensorBoard where it is installed), tensorboard, wandb or none; step: the last one done.

        Raises `GoaltraceError` when what was asked for by name is not installed.
        """
        require_logger(kind)
        self._sinks: list[_Sink] = []
        if kind == "tensorboard" or (kind == "auto" and find_spec("tensorboard") is not None):
            self._sinks.append(_TensorBoard(run, step))
        elif kind == "wandb":
            self._sinks.append(_WeightsAndBiases(run, step))
        self._lines = (run / "metrics.jsonl").open("a", encoding="utf-8")

    def add(self, step: int, values: dict[str, float]) -> None:
        known = {name: float(f"{value:.7g}") for name, value in values.items() if math.isfinite(value)}
        self._lines.write(json.dumps({"step": step, **known}) + "\n")
        for sink in self._sinks:
            sink.add(step, known)

    def flush(self) -> None:
        self._lines.flush()

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        for sink in self._sinks:
            sink.close()
