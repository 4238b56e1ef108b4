"""The front door: what every command does, as a function (docs/python.md). Nothing is loaded before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from goaltrace.cli import COMMANDS, main
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress

if TYPE_CHECKING:
    from trainer.face.clip_windows import ClipWindow as ClipWindow
    from trainer.face.clip_windows import WindowDataset as WindowDataset
    from trainer.face.clip_windows import windows as windows
    from trainer.face.comparing import CompareResult as CompareResult
    from trainer.face.comparing import compare as compare
    from trainer.face.encoding import EncodeResult as EncodeResult
    from trainer.face.encoding import encode as encode
    from trainer.face.evaluating import EvaluateResult as EvaluateResult
    from trainer.face.evaluating import evaluate as evaluate
    from trainer.face.rolling import RolloutResult as RolloutResult
    from trainer.face.rolling import rollout as rollout
    from trainer.face.training import TrainResult as TrainResult
    from trainer.face.training import plan_training as plan_training
    from trainer.face.training import train as train
    from trainer.progress import TrainingProgress as TrainingProgress

FACE: dict[str, str] = {
    "ClipWindow": "trainer.face.clip_windows",
    "CompareResult": "trainer.face.comparing",
    "EncodeResult": "trainer.face.encoding",
    "EvaluateResult": "trainer.face.evaluating",
    "RolloutResult": "trainer.face.rolling",
    "TrainResult": "trainer.face.training",
    "TrainingProgress": "trainer.progress",
    "WindowDataset": "trainer.face.clip_windows",
    "compare": "trainer.face.comparing",
    "encode": "trainer.face.encoding",
    "evaluate": "trainer.face.evaluating",
    "plan_training": "trainer.face.training",
    "rollout": "trainer.face.rolling",
    "train": "trainer.face.training",
    "windows": "trainer.face.clip_windows",
}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
