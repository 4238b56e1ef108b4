"""Flow matching with a noise level of its own for every chunk of frames (diffusion forcing, arXiv 2407.01392).

x_t = (1 - t) x + t n, and the target is the velocity n - x (Lipman et al., arXiv 2210.02747). A model that predicts
"change" is read as x̂ = frame before + output, because most of a screen stays as it is: velocity = (x_t - x̂) / t.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from trainer.model.conditions import Conditions
from trainer.model.sizes import Sizes
from trainer.model.world import WorldModel
from trainer.objective.base import LEVELS, Losses, Predict, frame_before, pointer_cells
from trainer.settings.config import Config
from trainer.settings.variants import Check

SMALLEST_T = 0.1  # below it the velocity's 1/t would drown everything else
HUBER = 0.3  # change: error of a cell (rms, latent units) from which on the loss grows linearly
NEARLY_CLEAN = 0.05
GIVEN = 0.1  # share of chunks that are nearly clean, as in a roll-out


def shifted(t: Tensor, shift: float) -> Tensor:
    """Moves noise levels towards 1; shift 1 leaves them (Esser et al., arXiv 2403.03206)."""
    return shift * t / (1 + (shift - 1) * t)


def velocity(out: Tensor, noisy: Tensor, t: Tensor, history: Tensor | None) -> Tensor:
    """The estimate of n - x, [B, C, F, h, w], from an output at levels t [B, F]; without history it is one already.

    t is above 0: a last step from however small a level ends at what the model takes for x.
    """
    if history is None:
        return out
    return (noisy - (history + out).to(noisy.dtype)) / t[:, None, :, None, None]


@dataclass(frozen=True)
class Draw:
    """The random part of a batch: a function of the seed and the windows' places in the order, whatever the ranks."""

    t: Tensor
    """[B, F] noise levels."""
    learnt: Tensor
    """bool [B, F]: frames that the loss counts."""
    noise: Tensor
    blur: Tensor
    """[B, C, F, h, w]: noise on the frame before."""
    keep: Tensor
    keep_text: Tensor
    """bool [B]."""

    @classmethod
    def of(cls, latents: Tensor, config: Config, seed: int, positions: list[int]) -> Draw:
        rows = [cls._row(latents[i], config, seed, position) for i, position in enumerate(positions)]
        return cls(*(torch.stack(part) for part in zip(*rows, strict=True)))

    @staticmethod
    def _row(latents: Tensor, config: Config, seed: int, position: int) -> tuple[Tensor, ...]:
        train, device, frames = config.train, latents.device, latents.shape[1]
        mixed = int(np.random.SeedSequence([seed, position]).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator(device).manual_seed(mixed)
        noise = torch.randn(latents.shape, generator=generator, device=device)
        blur = torch.randn(latents.shape, generator=generator, device=device)
        chunks = -(-(frames - 1) // train.chunk)  # the first frame is given
        level = torch.randn(chunks, generator=generator, device=device).sigmoid()
        draws = torch.rand(chunks + 5, generator=generator, device=device)
        clean = draws[:chunks] < GIVEN
        if train.forcing == "teacher":
            chosen = (draws[chunks] * chunks).long()
            clean = torch.arange(chunks, device=device) != chosen
        t = shifted(level, train.shift).clamp_min(SMALLEST_T)
        t = torch.where(clean, level * NEARLY_CLEAN, t).repeat_interleave(train.chunk)[: frames - 1]
        learnt = ~clean.repeat_interleave(train.chunk)[: frames - 1]
        t = torch.cat([draws[-1:] * NEARLY_CLEAN, t])
        learnt = torch.cat([torch.zeros_like(learnt[:1]), learnt])
        keep, keep_text = draws[-2] >= train.action_dropout, draws[-3] >= train.text_dropout
        return t, learnt, noise, blur * (train.history_noise * draws[-4]), keep, keep_text


def flow_loss(
    model: WorldModel, latents: Tensor, conditions: Conditions, config: Config, seed: int, positions: list[int]
) -> Losses:
    """The loss of a batch.

    Args:
        latents: [B, C, F, h, w] of the true frames; the first frame of a window is given, not learnt.
        positions: the windows' places in the global order.
    """
    draw = Draw.of(latents, config, seed, positions)
    level = draw.t[:, None, :, None, None]
    noisy = (1 - level) * latents + level * draw.noise
    change = config.model.predicts == "change"
    history = frame_before(latents + draw.blur) if change else None
    shown = replace(conditions, keep=draw.keep, keep_text=draw.keep_text)
    out, features, tokens = model.answer(noisy, draw.t, shown, history)
    guess = velocity(out.float(), noisy, draw.t.clamp_min(SMALLEST_T), history)  # those below it are not learnt
    error = (guess - (draw.noise - latents)).pow(2).mean(dim=1, keepdim=True)
    if change:
        error = (error + HUBER**2).sqrt() - HUBER
    weight = torch.ones_like(error)
    if conditions.maps is not None and config.train.pointer_weight:
        cells = pointer_cells(conditions.maps, latents.shape[3], config.codec.time)
        weight = weight + config.train.pointer_weight * cells
    each = (error * weight).mean(dim=(1, 3, 4))  # [B, F]
    count = draw.learnt.sum().clamp_min(1)
    flow = (each * draw.learnt).sum() / count
    total, parts = flow, {"flow": flow.detach()}
    if model.contrast is not None and tokens is not None:
        contrast = (model.contrast(features, tokens) * draw.learnt.sum(1)).sum() / count  # however a batch is cut
        total, parts = total + config.train.contrast * contrast, parts | {"contrast": contrast.detach()}
    return Losses(total, parts, _by_level(each.detach(), draw))


def _by_level(each: Tensor, draw: Draw) -> Tensor:
    place = (draw.t * LEVELS).long().clamp_max(LEVELS - 1).flatten()
    learnt = draw.learnt.flatten().to(each.dtype)
    rows = torch.stack([torch.where(draw.learnt, each, 0.0).flatten(), learnt], dim=1)  # picking would wait for a GPU
    return torch.zeros(LEVELS, 2, device=each.device).index_add_(0, place, rows)


class FlowObjective:
    """One pass at a random noise level, then few Euler steps."""

    passes: ClassVar[int] = 3

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        yield from ()

    @classmethod
    def kept(cls, config: Config, n: Sizes) -> int:
        """The error and what it is the error of, in fp32."""
        return 8 * n.picture * config.codec.channels * config.model.patch**2

    @classmethod
    def loss(
        cls, model: WorldModel, latents: Tensor, conditions: Conditions, config: Config, seed: int, positions: list[int]
    ) -> Losses:
        return flow_loss(model, latents, conditions, config, seed, positions)

    @classmethod
    def generate(cls, predict: Predict, noise: Tensor, history: Tensor | None, config: Config) -> Tensor:
        now = noise
        levels = shifted(torch.linspace(1, 0, config.sample.steps + 1), config.train.shift).tolist()
        for level, lower in pairwise(levels):
            t = torch.full((len(noise), 1), level, device=noise.device)
            now = now + (lower - level) * velocity(predict(now, t), now, t, history)
        return now
