"""The diffusion transformer: block-causal over frames, a noise level for each frame.

Written from the published description of Wan2.1 (arXiv 2503.20314) with diffusers' parameter names, so that
its weights can be loaded later; text attention is not built yet.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.config import Config
from trainer.data.actions import FEATURES
from trainer.model.attention import attention, block_causal_mask
from trainer.model.inject import ActionAttention, ActionEncoder, CursorMap, map_before
from trainer.model.pointer_head import PointerHead
from trainer.model.rope import rope_3d, rotate

FREQUENCIES = 256


class TimestepEmbedding(nn.Module):
    """Sinusoids to the model's width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(FREQUENCIES, dim)
        self.linear_2 = nn.Linear(dim, dim)

    def forward(self, t: Tensor) -> Tensor:
        """Noise levels in 0..1, any shape [...] -> [..., dim]."""
        half = FREQUENCIES // 2
        rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
        angles = t.float()[..., None] * 1000 * rates
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1).to(self.linear_1.weight.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return out


class Condition(nn.Module):
    """Noise level to the modulation of every block."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.time_embedder = TimestepEmbedding(dim)
        self.time_proj = nn.Linear(dim, 6 * dim)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """t [B, F] -> embedding [B, F, dim], modulation [B, F, 6, dim]."""
        embedding = self.time_embedder(t)
        modulation: Tensor = self.time_proj(F.silu(embedding))
        return embedding, modulation.reshape(*t.shape, 6, -1)


class SelfAttention(nn.Module):
    """Attention among all tokens of a window."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(dim, dim)
        self.to_v = nn.Linear(dim, dim)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])
        self.norm_q = nn.RMSNorm(dim, eps=1e-6)
        self.norm_k = nn.RMSNorm(dim, eps=1e-6)

    def forward(self, hidden: Tensor, angles: Tensor, mask: Tensor) -> Tensor:
        split = (self.heads, -1)
        query = rotate(self.norm_q(self.to_q(hidden)).unflatten(-1, split), angles)
        key = rotate(self.norm_k(self.to_k(hidden)).unflatten(-1, split), angles)
        value = self.to_v(hidden).unflatten(-1, split)
        out: Tensor = self.to_out[0](attention(query, key, value, mask))
        return out


class GELU(nn.Module):
    """First half of the feed-forward, named as in diffusers."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, inner)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = F.gelu(self.proj(hidden), approximate="tanh")
        return out


class FeedForward(nn.Module):
    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([GELU(dim, inner), nn.Identity(), nn.Linear(inner, dim)])

    def forward(self, hidden: Tensor) -> Tensor:
        for layer in self.net:
            hidden = layer(hidden)
        return hidden


class Block(nn.Module):
    """Self-attention, action attention, feed-forward; modulated frame by frame."""

    def __init__(self, dim: int, heads: int, ffn_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.attn1 = SelfAttention(dim, heads)
        self.action_attn = ActionAttention(dim, heads)
        self.ffn = FeedForward(dim, ffn_dim)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)

    def forward(
        self, hidden: Tensor, modulation: Tensor, actions: Tensor | None, angles: Tensor, mask: Tensor
    ) -> Tensor:
        """hidden [B, F * N, dim], modulation [B, F, 6, dim], actions [B, F, K, dim]."""
        frames = modulation.shape[1]
        parts = (self.scale_shift_table + modulation)[:, :, :, None].unbind(2)  # six of [B, F, 1, dim]
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = parts

        def per_frame(x: Tensor) -> Tensor:
            return x.reshape(len(x), frames, -1, x.shape[-1])

        normed = (per_frame(self.norm1(hidden)) * (1 + scale_a) + shift_a).flatten(1, 2)
        hidden = hidden + (per_frame(self.attn1(normed, angles, mask)) * gate_a).flatten(1, 2)
        if actions is not None:
            hidden = hidden + self.action_attn(hidden, actions)
        normed = (per_frame(self.norm3(hidden)) * (1 + scale_f) + shift_f).flatten(1, 2)
        return hidden + (per_frame(self.ffn(normed)) * gate_f).flatten(1, 2)


class DiT(nn.Module):
    """Latents, noise levels and conditions to one output per latent channel."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, channels = config.model, config.codec.channels
        self.patch = (1, size.patch, size.patch)
        self.head_dim = size.dim // size.heads
        self.patch_embedding = nn.Conv3d(channels, size.dim, self.patch, self.patch)
        self.condition_embedder = Condition(size.dim)
        self.history_embedding = nn.Conv3d(channels, size.dim, self.patch, self.patch)
        self.cursor_embedding = CursorMap(size.patch * config.codec.patch, size.dim)
        self.action_embedder = ActionEncoder(len(FEATURES), config.data.substeps, size.lag, size.dim)
        self.blocks = nn.ModuleList([Block(size.dim, size.heads, size.ffn_dim) for _ in range(size.layers)])
        self.pointer_head = PointerHead(config.codec.patch, channels, size.head_width)
        self.norm_out = nn.LayerNorm(size.dim, eps=1e-6, elementwise_affine=False)
        self.proj_out = nn.Linear(size.dim, channels * math.prod(self.patch))
        self.change_gate = nn.Linear(size.dim, math.prod(self.patch))
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, size.dim) / size.dim**0.5)
        nn.init.zeros_(self.history_embedding.weight)
        nn.init.zeros_(self.history_embedding.bias)  # type: ignore[arg-type]
        nn.init.normal_(self.proj_out.weight, std=1e-3)  # all but nothing, yet the zeros before it get a gradient
        nn.init.zeros_(self.proj_out.bias)
        nn.init.zeros_(self.change_gate.weight)
        nn.init.constant_(self.change_gate.bias, -3.0)  # most of a screen stays as it is

    def forward(
        self,
        latents: Tensor,
        t: Tensor,
        history: Tensor | None = None,
        maps: Tensor | None = None,
        actions: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """One pass over a window of F frames.

        Args:
            latents: [B, C, F, h, w], noisy.
            t: [B, F] noise level of each frame, 0 clean .. 1 noise.
            history: [B, C, F, h, w], for each frame the latents of the frame before it.
            maps: [B, F, height, width] px, the cursor map of each frame.
            actions: uint8 [B, F, substeps, features], what was done on the way to each frame.
            keep: bool [B]; False hides a sample's actions and maps.

        Returns:
            [B, C, F, h, w]. Frame f depends on frames <= f and their conditions only.
        """
        batch, channels, frames, height, width = latents.shape
        rows, columns = height // self.patch[1], width // self.patch[2]
        hidden = self.patch_embedding(latents)
        if history is not None:
            hidden = hidden + self.history_embedding(history)
        if maps is not None:
            shown = maps if keep is None else maps * keep[:, None, None, None]
            hidden = hidden + self.cursor_embedding(shown)
        hidden = hidden.flatten(2).transpose(1, 2)
        tokens = None if actions is None else self.action_embedder(actions, keep)
        embedding, modulation = self.condition_embedder(t)
        angles = rope_3d(frames, rows, columns, self.head_dim, latents.device)
        mask = block_causal_mask(frames, rows * columns, latents.device)
        for block in self.blocks:
            hidden = block(hidden, modulation, tokens, angles, mask)
        shift, scale = (self.scale_shift_table + embedding[:, :, None])[:, :, :, None].unbind(2)
        normed = self.norm_out(hidden).unflatten(1, (frames, -1)) * (1 + scale) + shift
        out = self.proj_out(normed).unflatten(-1, (-1, channels)) * self.change_gate(normed).sigmoid()[..., None]
        out = out.reshape(batch, frames, rows, columns, *self.patch[1:], channels)
        picture: Tensor = out.permute(0, 6, 1, 2, 4, 3, 5).reshape(batch, channels, frames, height, width)
        if maps is not None and history is not None:
            picture = picture + self.pointer_head(history, shown, map_before(shown))
        return picture
