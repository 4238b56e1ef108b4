"""Contextual injection: action tokens stand among the picture's tokens and go through the blocks with them.

Tokens that join a softmax change it even if they carry nothing, so a gate per head moves from attention without them to
attention with them; it is closed at the start. That costs a second attention, and nothing else.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from trainer.model.inject.base import BlockInjection, Injection
from trainer.model.sizes import Sizes
from trainer.settings.config import Config


class Contextual(BlockInjection):
    """Only the gate is new: keys and values are the block's own."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(heads))


class ContextualInjection(Injection):
    """In all blocks; what the tokens cost is counted with the picture's."""

    among_picture: ClassVar[bool] = True

    @classmethod
    def in_block(cls, config: Config, layer: int) -> BlockInjection | None:
        return Contextual(config.model.heads)

    @classmethod
    def kept(cls, config: Config, n: Sizes, each: int) -> int:
        """Of the second attention, without the actions."""
        return 6 * each * n.picture * config.model.dim
