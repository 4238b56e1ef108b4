"""Roll-outs: frame after frame from the model's own frames and the actions, a few Euler steps each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from trainer.config import Config
from trainer.model.dit import DiT
from trainer.objective import Conditions, frame_before, shifted, velocity


@torch.no_grad()
def roll_out(
    model: DiT,
    given: Tensor,
    conditions: Conditions,
    config: Config,
    seed: int,
    on_frame: Callable[[], None] = lambda: None,
) -> Tensor:
    """Continue a video.

    Args:
        given: latents [B, C, K, h, w] of the first K >= 1 true frames.
        conditions: maps [B, F, ...] and actions [B, F, ...] of all F > K frames.
        seed: of the noise; the same for every row and arm, so that only the actions differ.

    Returns:
        Latents [B, C, F, h, w]; the first K are `given`.
    """
    frames = conditions.maps.shape[1]
    levels = shifted(torch.linspace(1, 0, config.sample.steps + 1), config.train.shift).tolist()
    generator = torch.Generator().manual_seed(seed)
    made = given
    for k in range(given.shape[2], frames):
        first = max(0, k - config.sample.context)
        past = made[:, :, first:k]
        window = conditions.frames(first, k + 1)
        fresh = torch.randn(1, *given.shape[1:2], 1, *given.shape[3:], generator=generator).to(given)
        now = fresh.expand(given.shape[0], -1, -1, -1, -1)
        t = torch.zeros(given.shape[0], k + 1 - first, device=given.device)
        history = frame_before(torch.cat([past, now], dim=2))
        for level, lower in pairwise(levels):
            t[:, -1] = level
            guess = velocity(model, torch.cat([past, now], dim=2), t, history, window)
            now = now + (lower - level) * guess[:, :, -1:]
        before = made[:, :, -1:]
        still = (now - before).pow(2).mean(dim=1, keepdim=True).sqrt() < config.sample.still
        made = torch.cat([made, torch.where(still, before, now)], dim=2)
        on_frame()
    return made
