"""The pointer head: draws the pointer into the output and mends the place it left, px by px.

Inside the transformer a token is 16 px wide, and which of its 256 px the pointer is on takes longer to learn than
a CPU has: no frame was right after 240 CPU-s. A convolution over px learns it once for all places. It is given
where the actions put the pointer and how the frame before looked; how a pointer looks and the background it hides are
learnt.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.codec.pca import PCACodec

REACH = 3  # px around the map that may change
WINDOW = 32  # px a side of what the head looks at, around the map


class PointerHead(nn.Module):
    """A small convolutional net between the codec's pixels and its latents; starts as nothing."""

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, patch: int, channels: int, width: int) -> None:
        super().__init__()
        self.patch = patch
        self.register_buffer("mean", torch.zeros(3 * patch * patch))
        self.register_buffer("basis", torch.zeros(3 * patch * patch, channels))
        self.register_buffer("scale", torch.ones(channels))
        self.conv_1 = nn.Conv2d(5, width, 5, padding=2)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_3 = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.zeros_(self.conv_3.weight)
        nn.init.zeros_(self.conv_3.bias)  # type: ignore[arg-type]

    def use_codec(self, codec: PCACodec) -> None:
        """Take over the codec whose latents the model works on; without it the head adds nothing."""
        for name in ("mean", "basis", "scale"):
            getattr(self, name).copy_(getattr(codec, name))

    def forward(self, history: Tensor, maps: Tensor, maps_before: Tensor) -> Tensor:
        """What the pointer changes.

        Args:
            history: [B, C, F, h, w], latents of the frame before each frame.
            maps, maps_before: [B, F, height, width], cursor maps of each frame and of the one before it.

        Returns:
            Change of the latents, [B, C, F, h, w].
        """
        codec = PCACodec(self.patch, self.mean, self.basis, self.scale)
        height, width = maps.shape[2:]
        before = codec.decode(history.float()).movedim(-1, 2)
        now, then = maps.flatten(0, 1), maps_before.flatten(0, 1)
        picture = torch.cat([torch.stack([now, then], dim=1), before.flatten(0, 1) - 0.5], dim=1)
        near_now, near_then = (reached(m)[:, None] for m in (now, then))
        change = torch.zeros(len(now), 3, height * width, device=maps.device)
        for where, mine in ((now, near_now), (then, near_then & ~near_now)):
            index = window_index(where)
            side = math.isqrt(index.shape[1])
            seen = torch.cat([picture, mine], dim=1).flatten(2).gather(2, index[:, None].expand(-1, 6, -1))
            drawn = self._draw(seen[:, :5].reshape(-1, 5, side, side)).flatten(2) * seen[:, 5:]
            change = change.scatter_add(2, index[:, None].expand(-1, 3, -1), drawn.float())
        pixels = change.reshape(*maps.shape[:2], 3, height, width).movedim(2, -1)
        return codec.encode_change(pixels)

    def _draw(self, seen: Tensor) -> Tensor:
        out: Tensor = self.conv_3(F.silu(self.conv_2(F.silu(self.conv_1(seen)))))
        return out


def reached(maps: Tensor) -> Tensor:
    """Which px the head may change: maps [..., height, width] -> bool of the same shape."""
    return F.max_pool2d(maps, 2 * REACH + 1, 1, REACH) > 0


def window_index(maps: Tensor) -> Tensor:
    """Flat px numbers of a square around each map's tip: maps [N, height, width] -> int64 [N, side²]."""
    height, width = maps.shape[1:]
    side = min(WINDOW, height, width)
    shown = maps > 0
    top = shown.any(2).int().argmax(1)
    left = shown.any(1).int().argmax(1)
    steps = torch.arange(side, device=maps.device)
    rows = (top - side // 4).clamp(0, height - side)[:, None] + steps
    columns = (left - side // 4).clamp(0, width - side)[:, None] + steps
    return (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
