"""From a batch of the data to what the model takes: latents and conditions on its device."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.codec.base import Codec
from trainer.data.windows import Batch
from trainer.inputs.texts import Texts
from trainer.model.conditions import Conditions
from trainer.settings.config import Config


class ModelInputs:
    """Encodes frames (unless the batch holds latents) and looks goals up."""

    def __init__(self, config: Config, codec: Codec, device: torch.device) -> None:
        self._codec, self._device = codec, device
        self._texts = Texts(config)

    @torch.no_grad()
    def of(self, batch: Batch) -> tuple[Tensor, Conditions]:
        """Latents float32 [B, C, F, h, w] and the conditions of their frames."""
        if batch.latents is not None:
            latents = self._move(batch.latents).float()
        else:
            assert batch.frames is not None
            latents = self._codec.encode(self._move(batch.frames))
        return latents, self.conditions(batch.actions, batch.maps, batch.points, batch.goals)

    def conditions(
        self, actions: NDArray[np.generic], maps: NDArray[np.float32], points: NDArray[np.float32], goals: list[str]
    ) -> Conditions:
        """actions [B, T, S, A], maps [B, T, height, width], points [B, T, 2], a goal for each of B windows."""
        text = self._texts.of(goals)
        return Conditions(
            self._move(actions), self._move(maps), self._move(points), None if text is None else self._move(text)
        )

    def _move(self, array: NDArray[np.generic] | Tensor) -> Tensor:
        tensor = torch.as_tensor(array)
        if self._device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._device, non_blocking=True)
