"""The ways actions enter the DiT (arXiv 2604.06425), one a file; a model has one of them or none.

Each ends in zeros at the start, so that step 0 is the model without actions, and looks at no later frame.

    external     z' = z + dz(actions), before the DiT
    contextual   action tokens among the picture's tokens
    residual     a branch beside chosen blocks
    internal     cross-attention inside chosen blocks, between text and feed-forward
"""

from __future__ import annotations

from trainer.config import Config
from trainer.model.inject.base import BlockInjection
from trainer.model.inject.contextual import Contextual
from trainer.model.inject.external import External
from trainer.model.inject.internal import Internal
from trainer.model.inject.residual import Residual

__all__ = ["BlockInjection", "External", "block_injection"]


def block_injection(config: Config, layer: int) -> BlockInjection | None:
    """What block `layer` takes in of the actions; None: nothing."""
    size, actions = config.model, config.actions
    if actions.inject == "contextual":
        return Contextual(size.heads)
    if layer % actions.every:
        return None
    if actions.inject == "internal":
        return Internal(size.dim, size.heads)
    if actions.inject == "residual":
        return Residual(size.dim, actions.width)
    return None
