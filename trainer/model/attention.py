"""The one place where attention is computed, so that a faster kernel is a change in one file."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention.

    Args:
        query: [B, Nq, heads, head_dim]; key, value: [B, Nk, heads, head_dim].
        mask: bool [Nq, Nk], True where a query may look; None: everywhere.

    Returns:
        [B, Nq, heads * head_dim].
    """
    out = F.scaled_dot_product_attention(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), mask)
    return out.transpose(1, 2).flatten(2)


def block_causal_mask(frames: int, tokens_per_frame: int, device: torch.device) -> Tensor:
    """bool [N, N], N = frames * tokens_per_frame: a token sees its own frame and earlier ones."""
    frame = torch.arange(frames, device=device).repeat_interleave(tokens_per_frame)
    return frame[:, None] >= frame[None, :]
