"""Options that several functions take, and their validation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, get_args

from manifests.errors import GoaltraceError

SEEDS = 2**32

Device = Literal["auto", "cpu", "cuda"]
Kind = Literal["desktop", "terminal"]
Logger = Literal["auto", "tensorboard", "wandb", "none"]
DEVICES: tuple[Device, ...] = get_args(Device)
KINDS: tuple[Kind, ...] = get_args(Kind)
LOGGERS: tuple[Logger, ...] = get_args(Logger)

Settings = Mapping[str, str | int | float | Path] | Iterable[str]
"""{"train.lr": 0.001}, or ["train.lr=0.001"] as on the command line."""


def require_seed(number: int) -> None:
    """Raise `GoaltraceError` for a seed that some generator here does not take."""
    if not 0 <= number < SEEDS:
        raise GoaltraceError(f"--seed {number}: must be a whole number from 0 to {SEEDS - 1:,}")


def require_known(option: str, value: str | None, known: tuple[str, ...]) -> None:
    """Raise `GoaltraceError` for a word that is none of the known ones; None is none at all."""
    if value is not None and value not in known:
        raise GoaltraceError(f"--{option} {value}: unknown; one of: {', '.join(known)}")


def setting_words(settings: Settings) -> list[str]:
    """Settings as the command line has them: ["train.lr=0.001"]."""
    if isinstance(settings, str):
        raise GoaltraceError(f"--set {settings}: give settings as a list of them, or as a dict")
    if isinstance(settings, Mapping):
        return [f"{name}={value}" for name, value in settings.items()]
    return list(settings)
