"""The front door: what every command does, as a function (docs/python.md). Nothing is loaded before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from goaltrace.cli import COMMANDS, main
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress

if TYPE_CHECKING:
    from trainer.clip_windows import ClipWindow as ClipWindow
    from trainer.clip_windows import WindowDataset as WindowDataset
    from trainer.clip_windows import windows as windows
    from trainer.comparing import CompareResult as CompareResult
    from trainer.comparing import compare as compare
    from trainer.encoding import EncodeResult as EncodeResult
    from trainer.encoding import encode as encode
    from trainer.evaluating import EvaluateResult as EvaluateResult
    from trainer.evaluating import evaluate as evaluate
    from trainer.progress import TrainingProgress as TrainingProgress
    from trainer.rolling import RolloutResult as RolloutResult
    from trainer.rolling import rollout as rollout
    from trainer.training import TrainResult as TrainResult
    from trainer.training import plan_training as plan_training
    from trainer.training import train as train

FACE: dict[str, str] = {
    "ClipWindow": "trainer.clip_windows",
    "CompareResult": "trainer.comparing",
    "EncodeResult": "trainer.encoding",
    "EvaluateResult": "trainer.evaluating",
    "RolloutResult": "trainer.rolling",
    "TrainResult": "trainer.training",
    "TrainingProgress": "trainer.progress",
    "WindowDataset": "trainer.clip_windows",
    "compare": "trainer.comparing",
    "encode": "trainer.encoding",
    "evaluate": "trainer.evaluating",
    "plan_training": "trainer.training",
    "rollout": "trainer.rolling",
    "train": "trainer.training",
    "windows": "trainer.clip_windows",
}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
