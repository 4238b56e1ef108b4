"""Residual injection: a narrow branch beside the block, from the block's input and the actions to its output."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from trainer.model.inject.base import BlockInjection, Injection, chosen_blocks
from trainer.model.inject.internal import FrameAttention
from trainer.model.sizes import Sizes
from trainer.settings.config import Config

HEAD_DIM = 8


class Residual(BlockInjection):
    """out = block(x) + up(branch(down(x), actions)), `up` zero at the start."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.down = nn.Linear(dim, width)
        self.attention = FrameAttention(width, width // HEAD_DIM, dim)
        self.mix = nn.Linear(width, width)
        self.up = nn.Linear(width, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def beside(self, before: Tensor, after: Tensor, actions: Tensor) -> Tensor:
        branch = self.down(self.norm(before))
        branch = branch + self.attention(branch, actions)
        out: Tensor = after + self.up(F.silu(self.mix(branch)))
        return out


class ResidualInjection(Injection):
    """A branch of `actions.width` channels beside every n-th block."""

    @classmethod
    def in_block(cls, config: Config, layer: int) -> BlockInjection | None:
        return None if layer % config.actions.every else Residual(config.model.dim, config.actions.width)

    @classmethod
    def operations(cls, config: Config, n: Sizes) -> int:
        dim, narrow = config.model.dim, config.actions.width
        branch = 4 * n.picture * dim * narrow + 2 * n.picture * narrow**2
        return chosen_blocks(config) * (FrameAttention.operations(n, narrow, dim) + branch)

    @classmethod
    def kept(cls, config: Config, n: Sizes, each: int) -> int:
        dim, narrow = config.model.dim, config.actions.width
        return each * (2 * n.picture * dim + 8 * n.picture * narrow + 2 * n.frames * n.actions * narrow)
