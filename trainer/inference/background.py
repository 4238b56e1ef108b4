"""The background that the pointer hides: remembered in roll-outs, so that it is there again when the pointer has gone.

The pointer's head guesses it from the frame before, in which the pointer hides it. A guess is a little off, and
without a memory each place the pointer passed would keep a faint mark.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.model.pointer_head import reached


class Background:
    """The last latents of each cell in which the pointer could not be; NaN where there were none yet."""

    def __init__(self, recall: float) -> None:
        """recall: a cell that the pointer left gets its old latents back if it is nearer to them than this (rms)."""
        self._recall = recall
        self._known: Tensor | None = None
        self._near: Tensor | None = None

    def see(self, latents: Tensor, maps: Tensor) -> None:
        """Latents [B, C, F, h, w] and pointer maps [B, F, height, width] of frames as they are."""
        near = _near(maps, latents.shape[3])
        for frame in range(latents.shape[2]):
            here, now = near[:, :, frame : frame + 1], latents[:, :, frame : frame + 1]
            known = torch.full_like(now, torch.nan) if self._known is None else self._known
            self._known, self._near = torch.where(here, known, now), here

    def restore(self, latents: Tensor, maps: Tensor) -> Tensor:
        """The next frame, [B, C, 1, h, w], with what the pointer has left as it was before."""
        if self._known is None or self._near is None:
            return latents
        left = self._near & ~_near(maps, latents.shape[3])
        off = (latents - self._known).pow(2).mean(dim=1, keepdim=True).sqrt()  # NaN is not less than anything
        return torch.where(left & (off < self._recall), self._known, latents)


def _near(maps: Tensor, rows: int) -> Tensor:
    """Cells that the pointer's head may change: bool [B, 1, F, rows, columns]."""
    return (F.max_pool2d(reached(maps).to(maps.dtype), maps.shape[2] // rows) > 0)[:, None]
