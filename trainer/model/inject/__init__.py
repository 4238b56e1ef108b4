"""The ways actions enter the DiT (arXiv 2604.06425), one a file; a model has one of them or none.

Each ends in zeros at the start, so that step 0 is the model without actions, and looks at no later frame.

    external     z' = z + dz(actions), before the DiT
    contextual   action tokens among the picture's tokens
    residual     a branch beside chosen blocks
    internal     cross-attention inside chosen blocks, between text and feed-forward
"""

from __future__ import annotations

from trainer.model.inject.base import BlockInjection, Injection
from trainer.settings.config import Config
from trainer.settings.variants import INJECTIONS, variant

__all__ = ["BlockInjection", "Injection", "injection"]


def injection(config: Config) -> type[Injection]:
    """The way that the settings name."""
    found: type[Injection] = variant(INJECTIONS, config.actions.inject)
    return found
