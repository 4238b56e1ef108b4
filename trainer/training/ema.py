"""The exponential moving average (EMA) of the weights, which is what evaluation uses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def local(tensor: Tensor) -> Tensor:
    """This rank's part of a sharded tensor, sharing its memory; any other tensor as it is."""
    part: Any = getattr(tensor, "to_local", None)
    return part() if part is not None else tensor


class EMA:
    """A copy of a model's weights that follows them slowly; buffers are taken over as they are."""

    def __init__(self, model: nn.Module) -> None:
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}
        weights = {name for name, _ in model.named_parameters()}
        self._weights = [name for name in self.values if name in weights]
        self._buffers = [name for name in self.values if name not in weights]

    @torch.no_grad()
    def update(self, model: nn.Module, decay: float) -> None:
        """values = decay values + (1 - decay) weights."""
        now = model.state_dict()
        mine = [local(self.values[name]) for name in self._weights]
        torch._foreach_lerp_(mine, [local(now[name]) for name in self._weights], 1 - decay)
        for name in self._buffers:
            self.values[name].copy_(now[name])
