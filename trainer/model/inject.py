"""How conditions enter the DiT. Every path ends in zeros at the start, so that step 0 is the bare model.

Actions: "internal" injection (arXiv 2604.06425), cross-attention inside blocks; the pointer: its rendered map,
patched like the latents; the frame before: its latents, patched like the latents (as Wan's image-to-video does).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.model.attention import attention


class ActionEncoder(nn.Module):
    """Counts of actions to tokens; a frame sees its own and those of `lag` earlier frames."""

    def __init__(self, features: int, substeps: int, lag: int, dim: int) -> None:
        super().__init__()
        self.lag = lag
        self.linear_1 = nn.Linear(features, dim)
        self.linear_2 = nn.Linear(dim, dim)
        self.position = nn.Parameter(torch.randn(substeps * (lag + 1), dim) * 0.02)
        self.absent = nn.Parameter(torch.zeros(dim))

    def forward(self, actions: Tensor, keep: Tensor | None) -> Tensor:
        """actions uint8 [B, F, substeps, features], keep bool [B] -> tokens [B, F, substeps * (lag + 1), dim].

        Where `keep` is False, and before the first frame, stands the learnt "not given" token.
        """
        tokens = self.linear_2(F.silu(self.linear_1(torch.log1p(actions.to(self.linear_1.weight.dtype)))))
        if keep is not None:
            tokens = torch.where(keep[:, None, None, None], tokens, self.absent.to(tokens.dtype))
        first = self.absent.to(tokens.dtype).expand(tokens.shape[0], self.lag, tokens.shape[2], -1)
        padded = torch.cat([first, tokens], dim=1)
        frames = actions.shape[1]
        starts = range(self.lag, -1, -1)
        return torch.cat([padded[:, start : start + frames] for start in starts], dim=2) + self.position


class ActionAttention(nn.Module):
    """Each frame's picture tokens look at that frame's action tokens."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(dim, dim)
        self.to_v = nn.Linear(dim, dim)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])
        nn.init.zeros_(self.to_out[0].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.to_out[0].bias)  # type: ignore[arg-type]

    def forward(self, hidden: Tensor, actions: Tensor) -> Tensor:
        """hidden [B, F * N, dim], actions [B, F, K, dim] -> what to add to hidden."""
        batch, frames, count, dim = actions.shape
        split = (self.heads, dim // self.heads)
        query = self.to_q(self.norm(hidden)).reshape(batch * frames, -1, *split)
        key = self.to_k(actions).reshape(batch * frames, count, *split)
        value = self.to_v(actions).reshape(batch * frames, count, *split)
        out: Tensor = self.to_out[0](attention(query, key, value).reshape(batch, -1, dim))
        return out


class CursorMap(nn.Module):
    """The pointer's map of a frame and of the frame before, one token a patch."""

    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(2, dim, (1, patch, patch), (1, patch, patch))
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, F, height, width] -> [B, dim, F, rows, columns]."""
        out: Tensor = self.proj(torch.stack([maps, map_before(maps)], dim=1).to(self.proj.weight.dtype))
        return out


def map_before(maps: Tensor) -> Tensor:
    """Each frame's predecessor, maps [B, F, height, width]; nothing before the first."""
    return torch.cat([torch.zeros_like(maps[:, :1]), maps[:, :-1]], dim=1)
