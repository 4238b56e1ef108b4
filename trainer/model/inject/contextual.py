"""Contextual injection: action tokens stand among the picture's tokens and go through the blocks with them.

Tokens that join a softmax change it even if they carry nothing, so a gate per head moves from attention without them to
attention with them; it is closed at the start. That costs a second attention, and nothing else.
"""

from __future__ import annotations

import torch
from torch import nn

from trainer.model.inject.base import BlockInjection


class Contextual(BlockInjection):
    """Only the gate is new: keys and values are the block's own."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(heads))
