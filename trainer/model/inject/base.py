"""What a block offers to a way of injection."""

from __future__ import annotations

from torch import Tensor, nn


class BlockInjection(nn.Module):
    """Adds nothing; each way overrides its own place."""

    gate: Tensor | None
    """[heads], how far picture tokens look at action tokens in self-attention; None: there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("gate", None)

    def inside(self, hidden: Tensor, actions: Tensor) -> Tensor:
        """Between text attention and feed-forward: hidden [B, F, N, dim], actions [B, F, K, dim]."""
        return hidden

    def beside(self, before: Tensor, after: Tensor, actions: Tensor) -> Tensor:
        """Around the block: its input and output [B, F, N, dim]."""
        return after
