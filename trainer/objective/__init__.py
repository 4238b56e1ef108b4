"""What the model is trained for, one objective a file: today flow matching."""

from __future__ import annotations

from trainer.objective.base import Losses, Objective
from trainer.settings.config import Config
from trainer.settings.variants import OBJECTIVES, variant

__all__ = ["Losses", "Objective", "objective"]


def objective(config: Config) -> type[Objective]:
    """The objective that the settings name."""
    found: type[Objective] = variant(OBJECTIVES, config.train.objective)
    return found
