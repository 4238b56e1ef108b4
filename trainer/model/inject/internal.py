"""Internal injection: each frame's picture tokens look at that frame's action tokens, inside the block."""

from __future__ import annotations

from torch import Tensor, nn

from trainer.model.attention import attention
from trainer.model.inject.base import BlockInjection, Injection, chosen_blocks
from trainer.model.sizes import Sizes
from trainer.settings.config import Config


class FrameAttention(nn.Module):
    """Cross-attention within each frame."""

    def __init__(self, dim: int, heads: int, context_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(context_dim, dim)
        self.to_v = nn.Linear(context_dim, dim)

    def forward(self, hidden: Tensor, context: Tensor) -> Tensor:
        """hidden [B, F, N, dim], context [B, F, K, context_dim] -> [B, F, N, dim]."""
        batch, frames, count, dim = hidden.shape
        split = (self.heads, dim // self.heads)
        query = self.to_q(self.norm(hidden)).reshape(batch * frames, count, *split)
        key = self.to_k(context).reshape(batch * frames, -1, *split)
        value = self.to_v(context).reshape(batch * frames, -1, *split)
        return attention(query, key, value).reshape(batch, frames, count, dim)

    @staticmethod
    def operations(n: Sizes, dim: int, context_dim: int) -> int:
        """Of looking from all picture tokens of a window at their frame's action tokens."""
        keys = 4 * n.frames * n.actions * context_dim * dim
        return 2 * n.picture * dim**2 + keys + 4 * n.picture * n.actions * dim


class Internal(BlockInjection):
    """SA → text → actions → FFN."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention = FrameAttention(dim, heads, dim)
        self.to_out = nn.Linear(dim, dim)
        nn.init.zeros_(self.to_out.weight)
        nn.init.zeros_(self.to_out.bias)

    def inside(self, hidden: Tensor, actions: Tensor) -> Tensor:
        out: Tensor = hidden + self.to_out(self.attention(hidden, actions))
        return out


class InternalInjection(Injection):
    """Cross-attention in every n-th block."""

    @classmethod
    def in_block(cls, config: Config, layer: int) -> BlockInjection | None:
        return None if layer % config.actions.every else Internal(config.model.dim, config.model.heads)

    @classmethod
    def operations(cls, config: Config, n: Sizes) -> int:
        dim = config.model.dim
        return chosen_blocks(config) * (FrameAttention.operations(n, dim, dim) + 2 * n.picture * dim**2)

    @classmethod
    def kept(cls, config: Config, n: Sizes, each: int) -> int:
        return each * config.model.dim * (4 * n.picture + 2 * n.frames * n.actions)
