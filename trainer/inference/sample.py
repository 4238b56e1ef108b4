"""Roll-outs: frame after frame from the model's own frames and the actions, a few Euler steps each, with a KV cache."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.inference.background import Background
from trainer.machine.device import arithmetic
from trainer.model.cache import KVCache
from trainer.model.conditions import Conditions
from trainer.model.world import WorldModel
from trainer.objective import objective
from trainer.objective.base import frame_before
from trainer.settings.config import Config


class Stream:
    """A model that runs: shown a few true frames, then asked for one latent frame after the other.

    The work and memory of a frame do not grow with the number of frames before it: the model sees `sample.context` of
    them (fewer where its own window is shorter).
    """

    def __init__(self, model: WorldModel, config: Config, seed: int) -> None:
        """seed: of the noise, the same for every row, so that only the actions differ."""
        if not model.causal:
            raise GoaltraceError(
                "model.causal=false: such a model makes no roll-outs; train one with model.causal=true"
            )
        self._model, self._config = model, config
        limit = config.sample.context
        if model.window:
            limit = min(limit, model.window - 1)
        self._cache = KVCache(len(model.dit.blocks), limit)
        self._changes = model.history is not None
        self._background = Background(config.sample.recall) if model.pointer_head is not None else None
        self._generator = torch.Generator().manual_seed(seed)
        self._objective = objective(config)
        self._last: Tensor | None = None

    @torch.no_grad()
    def show(self, latents: Tensor, conditions: Conditions) -> None:
        """Take in true frames: latents [B, C, F, h, w] and the conditions of the frames they cover."""
        history = frame_before(latents)
        if self._last is not None:
            history[:, :, :1] = self._last
        self._remember(latents, conditions, history)

    @torch.no_grad()
    def next(self, conditions: Conditions) -> Tensor:
        """Make the next latent frame, [B, C, 1, h, w], from the conditions of the frames it covers."""
        before = self._last
        if before is None:
            raise ValueError("show the stream a frame first")
        batch = len(before)
        noise = torch.randn(1, *before.shape[1:], generator=self._generator).to(before)
        now = noise.expand(batch, -1, -1, -1, -1)
        history = before if self._changes else None

        def predict(latents: Tensor, t: Tensor) -> Tensor:
            out: Tensor = self._model(latents, t, conditions, history, self._cache)
            return out.float()

        with self._arithmetic(before.device):
            now = self._objective.generate(predict, now, history, self._config)
        if self._config.sample.still:
            moved = (now - before).pow(2).mean(dim=1, keepdim=True).sqrt()
            now = torch.where(moved < self._config.sample.still, before, now)
        if self._background is not None and conditions.maps is not None:
            now = self._background.restore(now, conditions.maps)
        self._remember(now, conditions, before)
        return now

    def _remember(self, latents: Tensor, conditions: Conditions, history: Tensor) -> None:
        """A pass over clean frames, whose keys and values stay."""
        t = torch.zeros(latents.shape[0], latents.shape[2], device=latents.device)
        self._cache.write = True
        with self._arithmetic(latents.device):
            self._model(latents, t, conditions, history if self._changes else None, self._cache)
        self._cache.write = False
        if self._background is not None and conditions.maps is not None:
            self._background.see(latents, conditions.maps)
        self._last = latents[:, :, -1:]

    def _arithmetic(self, device: torch.device) -> torch.autocast:
        return arithmetic(self._config.train.precision, device)


@torch.no_grad()
def roll_out(
    model: WorldModel,
    given: Tensor,
    conditions: Conditions,
    config: Config,
    seed: int,
    on_frame: Callable[[], None] = lambda: None,
) -> Tensor:
    """Continue a video.

    Args:
        given: latents [B, C, K, h, w] of the first K >= 1 true latent frames.
        conditions: of all T frames of the video, given and to be made.
        seed: of the noise; the same for every row and arm, so that only the actions differ.
        on_frame: called after each frame.

    Returns:
        Latents [B, C, F, h, w]; the first K are `given`.
    """
    time = config.codec.time
    total = _frames(conditions)
    shown = 1 + (given.shape[2] - 1) * time
    stream = Stream(model, config, seed)
    stream.show(given, conditions.frames(0, shown))
    made = [given]
    for first in range(shown, total, time):
        made.append(stream.next(conditions.frames(first, first + time)))
        on_frame()
    return torch.cat(made, dim=2)


def _frames(conditions: Conditions) -> int:
    for part in (conditions.actions, conditions.maps, conditions.points):
        if part is not None:
            return part.shape[1]
    raise ValueError("conditions without actions, maps or points do not say how many frames to make")
