"""The front door: what every command does, as a function (docs/python.md). Nothing is loaded before it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from goaltrace.cli import COMMANDS, main
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress

if TYPE_CHECKING:
    pass

FACE: dict[str, str] = {}
"""Each function and type of the Python face, and the module that has it."""

__all__ = ["COMMANDS", "FACE", "GoaltraceError", "OnProgress", "Progress", "__version__", "main"]


def __getattr__(name: str) -> Any:
    if name not in FACE:
        raise AttributeError(f"module 'goaltrace' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *FACE})
