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


class CursorHead(nn.Module):
    """Draws the pointer's change into the output, one latent cell at a time.

    A token is four cells wide open to noise; which of its 256 px the pointer is on gets through it only after
    thousands of steps. A cell has 64 px, and the frame before says what lies beneath.
    """

    def __init__(self, channels: int, patch: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.conv_1 = nn.Conv2d(channels + 2 * patch * patch, width, 3, padding=1)
        self.conv_2 = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.normal_(self.conv_1.weight[:, channels:], std=0.3)  # a map is a few px of ones, the rest zero
        nn.init.zeros_(self.conv_2.weight)
        nn.init.zeros_(self.conv_2.bias)  # type: ignore[arg-type]

    def forward(self, history: Tensor, maps: Tensor) -> Tensor:
        """history [B, C, F, h, w], maps [B, F, height, width] -> change of the latents [B, C, F, h, w]."""
        before = torch.cat([torch.zeros_like(maps[:, :1]), maps[:, :-1]], dim=1)
        cells = F.pixel_unshuffle(torch.stack([maps, before], dim=2).flatten(0, 1), self.patch)
        inputs = torch.cat([history.transpose(1, 2).flatten(0, 1), cells.to(history.dtype)], dim=1)
        out: Tensor = self.conv_2(F.silu(self.conv_1(inputs)))
        return out.reshape(*maps.shape[:2], *out.shape[1:]).transpose(1, 2)


class CursorMap(nn.Module):
    """The pointer's map of a frame and of the frame before, one token a patch."""

    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(2, 2 * dim, (1, patch, patch), (1, patch, patch))
        nn.init.normal_(self.proj.weight, std=0.3)  # a map is a few pixels of ones, the rest zero
        self.out = nn.Conv3d(2 * dim, dim, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, F, height, width] -> [B, dim, F, rows, columns]."""
        before = torch.cat([torch.zeros_like(maps[:, :1]), maps[:, :-1]], dim=1)
        out: Tensor = self.out(F.silu(self.proj(torch.stack([maps, before], dim=1).to(self.proj.weight.dtype))))
        return out
