"""Flow matching with a noise level of its own for every frame (diffusion forcing, arXiv 2407.01392).

x_t = (1 - t) x + t n, and the target is the velocity n - x (Lipman et al., arXiv 2210.02747). The network's output is
read as a change to the frame before, because most of a screen stays as it is: x̂ = history + output, and
velocity = (x_t - x̂) / t.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.config import TrainConfig
from trainer.model.dit import DiT

SMALLEST_T = 0.1  # below it the velocity's 1/t would drown everything else
HUBER = 0.3  # error of a cell (rms, latent units) from which on the loss grows linearly


@dataclass(frozen=True)
class Conditions:
    """What a window is conditioned on, as `DiT.forward` takes it."""

    maps: Tensor
    actions: Tensor
    keep: Tensor | None = None

    def frames(self, start: int, stop: int) -> Conditions:
        return Conditions(self.maps[:, start:stop], self.actions[:, start:stop], self.keep)


def shifted(t: Tensor, shift: float) -> Tensor:
    """Moves noise levels towards 1; shift 1 leaves them (Esser et al., arXiv 2403.03206)."""
    return shift * t / (1 + (shift - 1) * t)


def frame_before(latents: Tensor) -> Tensor:
    """Each frame's predecessor along dim 2; zeros before the first."""
    return torch.cat([torch.zeros_like(latents[:, :, :1]), latents[:, :, :-1]], dim=2)


def velocity(model: DiT, noisy: Tensor, t: Tensor, history: Tensor, conditions: Conditions) -> Tensor:
    """The model's estimate of n - x, [B, C, F, h, w], from noisy latents at levels t [B, F]."""
    change = model(noisy, t, history, conditions.maps, conditions.actions, conditions.keep)
    guess: Tensor = (noisy - (history + change).to(noisy.dtype)) / t.clamp_min(SMALLEST_T)[:, None, :, None, None]
    return guess


def flow_loss(model: DiT, latents: Tensor, conditions: Conditions, config: TrainConfig, seed: int, step: int) -> Tensor:
    """Error of the velocity over all frames but the first, which is given.

    Pseudo-Huber on each cell (Song & Dhariwal, arXiv 2310.14189): a window that opens must not drown the pointer, and a
    cell that stays as it is should stay exactly.
    All randomness is a function of (seed, step), so that a resumed run is the same run.
    """
    generator = torch.Generator().manual_seed((seed << 32) + step)
    batch, _, frames = latents.shape[:3]
    t = shifted(torch.sigmoid(torch.randn(batch, frames, generator=generator)), config.shift)
    given = torch.rand(batch, frames, generator=generator) < 0.1  # some frames almost clean, as in a roll-out
    given[:, 0] = True
    t = torch.where(given, t * 0.05, t.clamp_min(SMALLEST_T)).to(latents.device)
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    blur = torch.randn(latents.shape, generator=generator).to(latents.device)
    amount = config.history_noise * torch.rand(batch, 1, 1, 1, 1, generator=generator).to(latents.device)
    keep = (torch.rand(batch, generator=generator) >= config.action_dropout).to(latents.device)
    level = t[:, None, :, None, None]
    noisy = (1 - level) * latents + level * noise
    guess = velocity(
        model, noisy, t, frame_before(latents + amount * blur), Conditions(conditions.maps, conditions.actions, keep)
    )
    learnt = (~given).to(latents.device)[:, None, :, None, None]
    weight = learnt * (1 + config.pointer_weight * pointer_cells(conditions.maps, latents.shape[3]))
    distance = (guess - (noise - latents)).pow(2).mean(dim=1, keepdim=True)
    error = (distance + HUBER**2).sqrt() - HUBER
    return (error * weight).sum() / (learnt.sum() * latents[0, 0, 0].numel()).clamp_min(1)


def pointer_cells(maps: Tensor, rows: int) -> Tensor:
    """Where the pointer is or was a frame ago: maps [B, F, height, width] to [B, 1, F, rows, columns] of 0 and 1."""
    cells = F.max_pool2d(maps, maps.shape[2] // rows).ceil().clamp(0, 1)
    return torch.maximum(cells, torch.cat([cells[:, :1], cells[:, :-1]], dim=1))[:, None]
