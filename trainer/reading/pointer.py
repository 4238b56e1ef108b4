"""Reads the pointer's place out of pixels, to measure generated frames without looking at what they were made from.

A small convolutional net, fitted to true frames of the training clips only. It knows no actions. It sees one picture
and how that differs from an earlier one: a pointer that has moved is among what changed, and icons that look like one
are not. Its own error on true held-out frames is printed beside every figure it gives.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.reading.changes import changed

CELL = 4  # px; the net names a cell, then the place inside it
LR = 6e-3


class PointerReader(nn.Module):
    """Two pictures to one score and one offset per cell of 4 x 4 px."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * 3 * CELL * CELL, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 3, 1),
        )

    def forward(self, frames: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Twice float [N, height, width, 3] in 0..1 -> scores [N, cells], offsets in px [N, cells, 2]."""
        folded = F.pixel_unshuffle(torch.cat([frames - 0.5, frames - before], dim=-1).movedim(-1, 1), CELL)
        out = self.layers(folded).flatten(2)
        return out[:, 0], out[:, 1:].transpose(1, 2) * CELL

    @torch.no_grad()
    def locate(self, frames: Tensor, before: Tensor) -> Tensor:
        """Where the pointer's tip is that was elsewhere in `before`.

        Args:
            frames, before: float [N, height, width, 3] in 0..1. Where a pair is the same, it looks everywhere.

        Returns:
            px [N, 2] (x, y).
        """
        places = []
        for part, old in zip(torch.split(frames, 32), torch.split(before, 32), strict=True):
            scores, offsets = self(part, old)
            best = scores.masked_fill(~_worth_a_look(part, old), -torch.inf).argmax(1)
            columns = part.shape[2] // CELL
            corner = torch.stack([best % columns, best // columns], dim=1) * CELL
            places.append(corner + offsets[torch.arange(len(best)), best])
        return torch.cat(places)


def _worth_a_look(frames: Tensor, before: Tensor) -> Tensor:
    """bool [N, cells]: cells with a change in them or beside them; all of a picture without any."""
    cells = F.max_pool2d(changed(frames, before).float()[:, None], CELL)
    near = F.max_pool2d(cells, 3, 1, 1).flatten(1) > 0
    return near | ~near.any(dim=1, keepdim=True)


def fit_reader(
    draw: Callable[[torch.Generator], tuple[Tensor, Tensor, Tensor]],
    steps: int,
    seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> PointerReader:
    """Fit a reader; a function of the data and the seed.

    Args:
        draw: makes a batch from a generator: float frames [N, height, width, 3] in 0..1, as many earlier ones, and px
            [N, 2].
        on_step: called after each step.
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


def reader_loss(reader: PointerReader, frames: Tensor, before: Tensor, points: Tensor) -> Tensor:
    """Cross-entropy of the cell plus squared error (cells) of the place in it."""
    scores, offsets = reader(frames, before)
    columns, rows = frames.shape[2] // CELL, frames.shape[1] // CELL
    cell_x = (points[:, 0] // CELL).long().clamp(0, columns - 1)
    cell_y = (points[:, 1] // CELL).long().clamp(0, rows - 1)
    cell = cell_y * columns + cell_x
    inside = points - torch.stack([cell_x, cell_y], dim=1) * CELL
    at = offsets[torch.arange(len(cell)), cell]
    loss: Tensor = F.cross_entropy(scores, cell) + ((at - inside) / CELL).pow(2).mean()
    return loss
