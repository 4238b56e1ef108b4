"""Patchify: turns patches of cells into tokens.

A convolution whose stride is its kernel is a product of matrices, and is computed as one: kernels for convolutions in
three dimensions are slow, and in bf16 in some releases very slow.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def in_patches(x: Tensor, conv: nn.Conv3d) -> Tensor:
    """What `conv`, of kernel and stride (1, rows, columns), makes of x [B, C, F, h, w]: tokens [B, F, N, dim]."""
    batch, channels, frames, height, width = x.shape
    _, rows, columns = conv.kernel_size
    cells = x.reshape(batch, channels, frames, height // rows, rows, width // columns, columns)
    cells = cells.permute(0, 2, 3, 5, 1, 4, 6).reshape(batch, frames, -1, channels * rows * columns)
    return F.linear(cells, conv.weight.flatten(1), conv.bias)
