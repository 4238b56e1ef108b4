"""Prepares a model for inference: linear layers in bf16, and blocks compiled.

Roll-outs are many small passes, in which starting kernels takes longer than running them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainer.model.attention import Visible
from trainer.model.cache import Past
from trainer.model.world_model import WorldModel
from trainer.runtime.compiling import compiled, explain_compile_errors
from trainer.runtime.device import uses_bf16
from trainer.settings.config import TrainConfig


def prepare_for_inference(model: WorldModel, config: TrainConfig, device: torch.device) -> WorldModel:
    """The same model, changed in place: its outputs are the same, and it can no longer be trained."""
    if uses_bf16(config.precision, device):
        linears_to_bf16(model.dit.blocks)
    if compiles(config, device):
        compile_full_context(model)
    return model


def compiles(config: TrainConfig, device: torch.device) -> bool:
    """Are blocks compiled? Then the first frame that sees a full context takes half a minute longer."""
    return config.compile and device.type == "cuda"


def linears_to_bf16(blocks: nn.ModuleList) -> None:
    """Linear layers in bf16, as autocast would make them in every pass."""
    for module in blocks.modules():
        if isinstance(module, nn.Linear):
            module.to(torch.bfloat16)


def compile_full_context(model: WorldModel) -> None:
    """Compile what blocks do once the context is full. Until then each frame has a shape of its own."""
    for block in model.dit.blocks:
        setattr(block, "forward", _compiled_at_full_context(block.forward))  # noqa: B010 - a method, as far as mypy knows


def _compiled_at_full_context(plain: Callable[..., Tensor]) -> Callable[..., Tensor]:
    fast = compiled(plain)

    def forward(
        hidden: Tensor, modulation: Tensor, rotary: Tensor, seen: Visible, text: Tensor | None, actions: Tensor | None,
        past: Past | None,
    ) -> Tensor:  # fmt: skip
        steady = past is not None and (seen.rule.query_frames, seen.rule.key_frames) == (1, past.limit + 1)
        if not steady:
            return plain(hidden, modulation, rotary, seen, text, actions, past)
        with explain_compile_errors():
            return fast(hidden, modulation, rotary, seen, text, actions, past)

    return forward
