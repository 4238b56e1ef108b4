"""The diffusion transformer: Wan2.1's (arXiv 2503.20314) with a noise level for each frame and block-causal attention.

Parameter names are those of diffusers' WanTransformer3DModel, so that its weights load strictly; whatever takes in
actions is under `blocks.*.inject`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.model.attention import FrameMask, Visible, attention, visible
from trainer.model.cache import KVCache, Past
from trainer.model.inject.base import BlockInjection
from trainer.model.patches import in_patches
from trainer.model.rope import rotate

FREQUENCIES = 256


class TwoLayers(nn.Module):
    """Linear, activation, linear."""

    def __init__(self, width: int, dim: int, gelu: bool) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, dim)
        self.linear_2 = nn.Linear(dim, dim)
        self.gelu = gelu

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear_1(x)
        out: Tensor = self.linear_2(F.gelu(x, approximate="tanh") if self.gelu else F.silu(x))
        return out


class Condition(nn.Module):
    """Noise level to the modulation of every block, text embeddings to the model's width."""

    def __init__(self, dim: int, text_dim: int) -> None:
        super().__init__()
        self.time_embedder = TwoLayers(FREQUENCIES, dim, gelu=False)
        self.time_proj = nn.Linear(dim, 6 * dim)
        if text_dim:
            self.text_embedder = TwoLayers(text_dim, dim, gelu=True)

    def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """t [B, F] in 0..1 -> embedding [B, F, dim], modulation [B, F, 6, dim]."""
        half = FREQUENCIES // 2
        rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
        angles = t.float()[..., None] * 1000 * rates
        with torch.autocast(t.device.type, enabled=False):  # as Wan does: every block is scaled and shifted by it
            waves = torch.cat([angles.cos(), angles.sin()], dim=-1).to(self.time_proj.weight.dtype)
            embedding = self.time_embedder(waves)
            modulation: Tensor = self.time_proj(F.silu(embedding))
        return embedding, modulation.reshape(*t.shape, 6, -1)


class Norm(nn.RMSNorm):
    """RMSNorm that answers in its input's kind: on CUDA autocast would make fp32 of it, and no attention takes a query
    in fp32 beside a value in bf16. Sums are fp32 inside the fused kernel.
    """

    def forward(self, x: Tensor) -> Tensor:
        assert self.weight is not None
        with torch.autocast(x.device.type, enabled=False):
            return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Queries from the picture; keys and values from the picture too, or from the text."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(dim, dim)
        self.to_v = nn.Linear(dim, dim)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])
        self.norm_q = Norm(dim, eps=1e-6)
        self.norm_k = Norm(dim, eps=1e-6)

    def project(self, hidden: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        split = (self.heads, -1)
        query = self.norm_q(self.to_q(hidden)).unflatten(-1, split)
        key = self.norm_k(self.to_k(context)).unflatten(-1, split)
        return query, key, self.to_v(context).unflatten(-1, split)


class SelfAttention(Attention):
    """Attention among the tokens of a window."""

    def forward(self, hidden: Tensor, rotary: Tensor, seen: Visible, gate: Tensor | None, past: Past | None) -> Tensor:
        """hidden [B, F, M, dim], M picture tokens and then `seen.rule.late` action tokens -> the same shape."""
        query, key, value = self.project(hidden.flatten(1, 2), hidden.flatten(1, 2))
        query, key = rotate(query, rotary), rotate(key, rotary)
        if past is not None:
            key, value = past.extend(key, value, seen.rule.query_frames)
        out = attention(query, key, value, seen).reshape(hidden.shape)
        if seen.alone is not None and gate is not None:
            out = self._gated(out, query, key, value, seen.alone, gate)
        projected: Tensor = self.to_out[0](out)
        return projected

    def _gated(self, joint: Tensor, query: Tensor, key: Tensor, value: Tensor, seen: Visible, gate: Tensor) -> Tensor:
        """Picture tokens: from attention among themselves (gate 0) towards attention with the actions."""
        mask = seen.rule

        def picture(x: Tensor, frames: int) -> Tensor:
            by_frame = x.reshape(len(x), frames, -1, *x.shape[2:])
            return by_frame[:, :, : mask.picture].flatten(1, 2)

        alone = attention(
            picture(query, mask.query_frames),
            picture(key, mask.key_frames),
            picture(value, mask.key_frames),
            seen,
        )
        alone = alone.reshape(len(alone), mask.query_frames, mask.picture, -1)
        share = torch.tanh(gate).repeat_interleave(joint.shape[-1] // self.heads).to(joint.dtype)
        mixed = alone + share * (joint[:, :, : mask.picture] - alone)
        return torch.cat([mixed, joint[:, :, mask.picture :]], dim=2)


class TextAttention(Attention):
    """Every token looks at the text."""

    def forward(self, hidden: Tensor, text: Tensor) -> Tensor:
        """hidden [B, F, M, dim], text [B, L, dim]."""
        out = attention(*self.project(hidden.flatten(1, 2), text)).reshape(hidden.shape)
        projected: Tensor = self.to_out[0](out)
        return projected


class Projection(nn.Module):
    """Linear and GELU."""

    def __init__(self, dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, ffn_dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    """diffusers' names: net.0.proj and net.2."""

    def __init__(self, dim: int, ffn_dim: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([Projection(dim, ffn_dim), nn.Identity(), nn.Linear(ffn_dim, dim)])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net[2](self.net[0](x))
        return out


class Block(nn.Module):
    """Self-attention, text, actions, feed-forward; modulated frame by frame."""

    def __init__(self, dim: int, heads: int, ffn_dim: int, text: bool, inject: BlockInjection | None) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.attn1 = SelfAttention(dim, heads)
        self.attn2 = TextAttention(dim, heads) if text else None
        self.norm2 = nn.LayerNorm(dim, eps=1e-6) if text else None
        self.ffn = FeedForward(dim, ffn_dim)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)
        self.inject = inject

    def forward(
        self,
        hidden: Tensor,
        modulation: Tensor,
        rotary: Tensor,
        seen: Visible,
        text: Tensor | None,
        actions: Tensor | None,
        past: Past | None,
    ) -> Tensor:
        """hidden [B, F, M, dim], modulation [B, F, 6, dim], text [B, L, dim], actions [B, F, K, dim]."""
        kind, before = hidden.dtype, hidden
        parts = (self.scale_shift_table + modulation.float())[:, :, :, None].unbind(2)  # six of [B, F, 1, dim]
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = parts
        gate = None if self.inject is None else self.inject.gate

        normed = (self.norm1(hidden.float()) * (1 + scale_a) + shift_a).to(kind)
        hidden = (hidden + self.attn1(normed, rotary, seen, gate, past) * gate_a).to(kind)
        if text is not None and self.attn2 is not None and self.norm2 is not None:
            hidden = hidden + self.attn2(self.norm2(hidden.float()).to(kind), text).to(kind)
        if actions is not None and self.inject is not None:
            hidden = self.inject.inside(hidden, actions).to(kind)
        normed = (self.norm3(hidden.float()) * (1 + scale_f) + shift_f).to(kind)
        hidden = (hidden + self.ffn(normed) * gate_f).to(kind)
        if actions is not None and self.inject is not None:
            hidden = self.inject.beside(before, hidden, actions).to(kind)
        return hidden


class DiT(nn.Module):
    """Picture tokens, noise levels and text to picture features."""

    def __init__(
        self,
        channels: int,
        dim: int,
        heads: int,
        ffn_dim: int,
        patch: int,
        text_dim: int,
        injections: list[BlockInjection | None],
    ) -> None:
        """`text_dim` 0: no text attention. One block for each of `injections`."""
        super().__init__()
        self.channels, self.patch, self.head_dim = channels, patch, dim // heads
        self.patch_embedding = nn.Conv3d(channels, dim, (1, patch, patch), (1, patch, patch))
        self.condition_embedder = Condition(dim, text_dim)
        self.blocks = nn.ModuleList([Block(dim, heads, ffn_dim, text_dim > 0, inject) for inject in injections])
        self.norm_out = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.proj_out = nn.Linear(dim, channels * patch * patch)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, dim) / dim**0.5)

    def tokens(self, latents: Tensor) -> Tensor:
        """[B, C, F, h, w] -> [B, F, N, dim], row after row."""
        return in_patches(latents, self.patch_embedding)

    def features(
        self,
        hidden: Tensor,
        t: Tensor,
        rotary: Tensor,
        mask: FrameMask,
        text: Tensor | None = None,
        actions: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """The blocks and the last norm: hidden [B, F, M, dim], t [B, F] -> picture features [B, F, N, dim]."""
        embedding, modulation = self.condition_embedder(t)
        if text is not None:
            text = self.condition_embedder.text_embedder(text)
        seen = visible(mask, hidden.device, dense=cache is not None)
        for layer, block in enumerate(self.blocks):
            past = None if cache is None else cache.blocks[layer]
            hidden = block(hidden, modulation, rotary, seen, text, actions, past)
        shift, scale = (self.scale_shift_table + embedding.float()[:, :, None])[:, :, :, None].unbind(2)
        out: Tensor = (self.norm_out(hidden[:, :, : mask.picture].float()) * (1 + scale) + shift).to(hidden.dtype)
        return out

    def picture(self, cells: Tensor, rows: int) -> Tensor:
        """Outputs of tokens [B, F, N, patch², C] -> latents [B, C, F, rows * patch, columns * patch]."""
        batch, frames, count = cells.shape[:3]
        out = cells.reshape(batch, frames, rows, count // rows, self.patch, self.patch, self.channels)
        out = out.permute(0, 6, 1, 2, 4, 3, 5)
        return out.reshape(batch, self.channels, frames, rows * self.patch, -1)

    def cells(self, features: Tensor) -> Tensor:
        """Features [B, F, N, dim] -> outputs of tokens [B, F, N, patch², C]."""
        out: Tensor = self.proj_out(features).unflatten(-1, (-1, self.channels))
        return out
