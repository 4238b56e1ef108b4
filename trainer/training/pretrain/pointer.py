"""The pointer head's start: small parts around moving pointers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from trainer.codec.pca import PCACodec
from trainer.data.clip import Clip
from trainer.data.windows import ClipStore
from trainer.model.pointer_head import PointerHead
from trainer.objective.base import pointer_cells

PART = 48  # px a side
PARTS = 4096  # kept in memory: two frames of each
BATCH = 64
LR = 4e-3


def pointer_parts(store: ClipStore, clips: list[Clip], seed: int) -> tuple[Tensor, Tensor]:
    """Parts of two successive frames around a pointer that moved between them, or around where it was.

    Returns uint8 frames [n, 2, PART, PART, 3] and float32 maps [n, 2, PART, PART], n <= `PARTS`. Any px may be the
    corner.
    """
    rng = np.random.default_rng(seed)
    places = []
    for clip in clips:
        with store.left_out.skipping():
            path = store.get(clip).pointer
            moved = np.flatnonzero(np.isfinite(path[:-1, 0]) & (path[1:] != path[:-1]).any(axis=1))
            places += [(clip, int(k), which) for k in moved for which in (0, 1)]
    if not places:
        return torch.zeros(0, 2, PART, PART, 3, dtype=torch.uint8), torch.zeros(0, 2, PART, PART)
    chosen = rng.choice(len(places), min(PARTS, 8 * len(places)), replace=True)
    frames, maps = [], []
    for number in sorted(chosen):
        clip, k, which = places[number]
        data = store.get(clip)
        corner = data.pointer[k + which] - rng.uniform(8, PART - 16, 2)
        height, width = data.frames.shape[1:3]
        x, y = (int(np.clip(corner[axis], 0, side - PART)) for axis, side in ((0, width), (1, height)))
        part = np.s_[:, y : y + PART, x : x + PART]
        frames.append(data.frames[k : k + 2][part])
        maps.append(data.maps(k, k + 2)[part])
    return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(maps))


def fit_head(
    head: PointerHead,
    codec: PCACodec,
    parts: tuple[Tensor, Tensor],
    steps: int,
    seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> None:
    """Fit `head` in place, by mean absolute error of the cells around the pointer; a function of data and seed."""
    frames, maps = parts
    device = codec.mean.device
    head.use_codec(codec)
    if len(frames) < BATCH or min(frames.shape[2:4]) < PART:
        return
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=LR)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LR * max(0.05, 1 - step / steps)
        chosen = torch.randint(0, len(frames), (BATCH,), generator=generator)
        latents, shown = codec.encode(frames[chosen].to(device)), maps[chosen].to(device)
        before, after = latents[:, :, :1], latents[:, :, 1:]
        where = pointer_cells(shown, latents.shape[3])[:, :, 1:]
        error = (before + head(before, shown[:, 1:], shown[:, :1]) - after).abs() * where
        loss = error.sum() / where.sum().clamp_min(1)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        on_step()
