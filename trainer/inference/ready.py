"""A model made ready for inference: many small passes, in which starting kernels takes longer than running them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainer.machine.compiling import compiled, told_when_it_fails
from trainer.machine.device import uses_bf16
from trainer.model.attention import Visible
from trainer.model.cache import Past
from trainer.model.world import WorldModel
from trainer.settings.config import TrainConfig


def make_ready(model: WorldModel, config: TrainConfig, device: torch.device) -> WorldModel:
    """The same model, changed in place: it answers the same, and can no more be trained."""
    if uses_bf16(config.precision, device):
        lower(model.dit.blocks)
    if compiles(config, device):
        compile_steady(model)
    return model


def compiles(config: TrainConfig, device: torch.device) -> bool:
    """The first frame that sees a full context takes half a minute longer."""
    return config.compile and device.type == "cuda"


def lower(blocks: nn.ModuleList) -> None:
    """Linear layers in bf16, as autocast would make them in every pass."""
    for module in blocks.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)


def compile_steady(model: WorldModel) -> None:
    """Compile what blocks do once the context is full. Until then each frame has a shape of its own."""
    for block in model.dit.blocks:
        setattr(block, "forward", _steady(block.forward))  # noqa: B010 - a method, as far as mypy knows


def _steady(plain: Callable[..., Tensor]) -> Callable[..., Tensor]:
    fast = compiled(plain)

    def forward(
        hidden: Tensor, modulation: Tensor, turns: Tensor, seen: Visible, text: Tensor | None, actions: Tensor | None,
        past: Past | None,
    ) -> Tensor:  # fmt: skip
        steady = past is not None and (seen.rule.query_frames, seen.rule.key_frames) == (1, past.limit + 1)
        if not steady:
            return plain(hidden, modulation, turns, seen, text, actions, past)
        with told_when_it_fails():
            return fast(hidden, modulation, turns, seen, text, actions, past)

    return forward
