"""Rotary positions over frame, row and column (Su et al. 2021; split over three axes as Wan2.1 does)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=32)
def rotary(
    frames: int, rows: int, columns: int, head_dim: int, device: torch.device, first_frame: int = 0, late: int = 0
) -> Tensor:
    """Cosine and sine of `rope_3d`'s angles, as `rotate` takes them; made once for all blocks and passes."""
    angles = rope_3d(frames, rows, columns, head_dim, device, first_frame, late)[:, None]
    return torch.stack([angles.cos(), angles.sin()])


def rope_3d(
    frames: int, rows: int, columns: int, head_dim: int, device: torch.device, first_frame: int = 0, late: int = 0
) -> Tensor:
    """Angles of every token, float32 [frames * (rows * columns + late), head_dim / 2].

    A third of the head's pairs (rounded down) turn with the row, as many with the column, the rest with the frame.
    `late` tokens at the end of each frame (actions) have no place: they turn with the frame only.
    """
    pairs = head_dim // 2
    spatial = head_dim // 6
    axes = [
        (torch.arange(first_frame, first_frame + frames, device=device), pairs - 2 * spatial, 0),
        (torch.arange(rows, device=device), spatial, 1),
        (torch.arange(columns, device=device), spatial, 2),
    ]
    parts = []
    for positions, size, axis in axes:
        rates = 10_000.0 ** (-torch.arange(size, device=device, dtype=torch.float64) / size)
        shape = [1, 1, 1, size]
        shape[axis] = len(positions)
        parts.append((positions[:, None] * rates).float().reshape(shape).expand(frames, rows, columns, size))
    angles = torch.cat(parts, dim=-1).reshape(frames, rows * columns, pairs)
    if late:
        placeless = angles[:, :1].clone()
        placeless[..., pairs - 2 * spatial :] = 0
        angles = torch.cat([angles, placeless.expand(-1, late, -1)], dim=1)
    return angles.reshape(-1, pairs)


def rotate(x: Tensor, rotary: Tensor) -> Tensor:
    """Turn neighbouring pairs of x [B, N, heads, head_dim] by `rotary` [2, N, 1, head_dim / 2]."""
    cos, sin = rotary
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)
