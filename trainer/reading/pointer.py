"""Reads the pointer's place out of pixels, to measure generated frames without looking at what they were told.

A small convolutional net, fitted to true frames of the training clips only. It sees one picture, no actions and
no other frame. Its own error on true held-out frames is printed beside every figure it gives.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL = 4  # px; the net names a cell, then the place inside it
LR = 6e-3


class PointerReader(nn.Module):
    """Picture to one score and one offset per cell of 4 x 4 px."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3 * CELL * CELL, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 3, 1),
        )

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """float [N, height, width, 3] in 0..1 -> scores [N, cells], offsets in px [N, cells, 2]."""
        folded = F.pixel_unshuffle(frames.movedim(-1, 1) - 0.5, CELL)
        out = self.layers(folded).flatten(2)
        return out[:, 0], out[:, 1:].transpose(1, 2) * CELL

    @torch.no_grad()
    def locate(self, frames: Tensor) -> Tensor:
        """float [N, height, width, 3] in 0..1 -> px [N, 2] (x, y) of the pointer's tip."""
        places = []
        for part in torch.split(frames, 32):
            scores, offsets = self(part)
            best = scores.argmax(1)
            columns = part.shape[2] // CELL
            corner = torch.stack([best % columns, best // columns], dim=1) * CELL
            places.append(corner + offsets[torch.arange(len(best)), best])
        return torch.cat(places)


def fit_reader(
    draw: Callable[[torch.Generator], tuple[Tensor, Tensor]],
    steps: int,
    seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> PointerReader:
    """Fit a reader; a function of the data and the seed.

    Args:
        draw: makes a batch from a generator: float frames [N, height, width, 3] in 0..1 and px [N, 2].
        on_step: told after each step.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        reader = PointerReader()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=LR)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LR * max(0.05, 1 - step / steps)
        loss = reader_loss(reader, *draw(generator))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        on_step()
    return reader.eval()


def reader_loss(reader: PointerReader, frames: Tensor, points: Tensor) -> Tensor:
    """Cross-entropy of the cell plus squared error (cells) of the place in it."""
    scores, offsets = reader(frames)
    columns, rows = frames.shape[2] // CELL, frames.shape[1] // CELL
    cell_x = (points[:, 0] // CELL).long().clamp(0, columns - 1)
    cell_y = (points[:, 1] // CELL).long().clamp(0, rows - 1)
    cell = cell_y * columns + cell_x
    inside = points - torch.stack([cell_x, cell_y], dim=1) * CELL
    at = offsets[torch.arange(len(cell)), cell]
    loss: Tensor = F.cross_entropy(scores, cell) + ((at - inside) / CELL).pow(2).mean()
    return loss


def cut_around(
    frames: Tensor, points: Tensor, size: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Cut a part of `size` (width, height) px out of each picture, anywhere that holds its pointer.

    Returns the parts, [N, height, width, 3], and the pointers' px in them, [N, 2].
    """
    height, width = frames.shape[1:3]
    parts, places = [], []
    draws = torch.rand(len(frames), 2, generator=generator)
    for frame, point, draw in zip(frames, points, draws, strict=True):
        corner = []
        for axis, whole in enumerate((width, height)):
            low = max(0, int(point[axis]) + 1 - size[axis])
            high = min(int(point[axis]), whole - size[axis])
            corner.append(low + round(float(draw[axis]) * max(0, high - low)))
        parts.append(frame[corner[1] : corner[1] + size[1], corner[0] : corner[0] + size[0]])
        places.append(point - torch.tensor(corner))
    return torch.stack(parts), torch.stack(places)
