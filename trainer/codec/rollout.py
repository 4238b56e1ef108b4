"""Decodes roll-outs: what has not changed since the last true frame keeps its pixels, without the codec's loss."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.codec.base import Codec

UNCHANGED = 1e-3
"""Latent units; far below what a pixel's smallest step makes."""


def decode_rollout(codec: Codec, latents: Tensor, shown: Tensor) -> Tensor:
    """Decode a roll-out: a video that begins with true frames.

    With a codec of single frames the true frames are as they were, and so is, in later frames, every cell whose latents
    are those of the last true frame. A codec over time has no such cells; there this is `codec.decode`.

    Args:
        latents: [B, C, F, h, w]; the first are those of `shown`.
        shown: uint8 [B, K, height, width, 3], on the latents' device.

    Returns:
        float32 [B, T, height, width, 3] in 0..1.
    """
    pixels = codec.decode(latents)
    if codec.time > 1:
        return pixels
    count, true = shown.shape[1], shown.float() / 255
    same = ((latents - latents[:, :, count - 1 : count]).abs() < UNCHANGED).all(dim=1)
    same = same.repeat_interleave(codec.patch, dim=2).repeat_interleave(codec.patch, dim=3)[..., None]
    return torch.cat([true, torch.where(same, true[:, -1:], pixels)[:, count:]], dim=1)
