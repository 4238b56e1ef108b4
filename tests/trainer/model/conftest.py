"""Small models of every kind, with weights that are not zero where training would have moved them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
import torch
from torch._dynamo import lookup_backend

from trainer.actions import slots, width
from trainer.model.conditions import Conditions
from trainer.model.inject import injection
from trainer.model.text import text_bytes
from trainer.model.world import WorldModel
from trainer.settings.config import ActionsConfig, CodecConfig, Config, DataConfig, ModelConfig
from trainer.settings.variants import INJECTIONS

SIZE = (32, 16)  # px

BASE = Config(
    data=DataConfig(width=SIZE[0], height=SIZE[1], window=4, crop_width=0, crop_height=0),
    codec=CodecConfig(patch=4, channels=6),
    actions=ActionsConfig(substeps=2, width=16, head_width=0, key_width=0),
    model=ModelConfig(dim=48, layers=2, heads=2, ffn_dim=64, text="bytes", text_dim=32, text_tokens=4),
)


def variant(**parts: dict[str, object]) -> Config:
    """BASE with other settings: variant(actions={"inject": "residual"})."""
    return replace(BASE, **{group: replace(getattr(BASE, group), **values) for group, values in parts.items()})


WAYS = [name for name in INJECTIONS if injection(variant(actions={"inject": name})).takes_tokens]
"""Whatever is registered that looks at action tokens."""

INJECTED = [
    variant(actions={"inject": inject, "encoding": encoding, "cursor": cursor})
    for inject, (encoding, cursor) in itertools.product(WAYS, (("raw", "map"), ("meta", "coords")))
] + [
    variant(codec={"name": "wan", "patch": 8, "channels": 16}, model={"patch": 1}, data={"window": 13}),
    variant(actions={"cursor": "reference"}, model={"predicts": "velocity"}),
    variant(actions={"head_width": 4, "key_width": 8, "lag": 2}),
    variant(actions={"encoding": "meta", "key_width": 8}),
]


def name_of(config: Config) -> str:
    parts = [config.actions.inject, config.actions.encoding, config.actions.cursor, config.codec.name]
    return "-".join([*parts, config.model.predicts, *(["head"] if config.actions.head_width else [])])


def lively(config: Config) -> WorldModel:
    """A model in which nothing is zero any more."""
    torch.manual_seed(0)
    model = WorldModel(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if not weight.any():
                weight.normal_(std=0.3)
        if model.change_gate is not None:
            model.dit.proj_out.weight.normal_(std=0.2)
    if model.pointer_head is not None:
        model.pointer_head.basis.normal_(std=0.1)
    return model


def counted(made: list[torch.fx.GraphModule], through: str = "eager") -> Callable[..., Callable[..., object]]:
    """A backend for torch.compile that keeps what it is given, and leaves the rest to another."""

    def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., object]:
        made.append(graph)
        return cast(Callable[..., object], lookup_backend(through)(graph, examples))

    return backend


def inputs(config: Config, frames: int = 4, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, Conditions]:
    """Latents of `frames` latent frames, their noise levels and the conditions of the frames they cover."""
    generator = torch.Generator().manual_seed(1)
    cell, time = config.codec.patch, config.codec.time
    covered = 1 + (frames - 1) * time
    latents = torch.randn(batch, config.codec.channels, frames, SIZE[1] // cell, SIZE[0] // cell, generator=generator)
    t = torch.rand(batch, frames, generator=generator)
    shape = (batch, covered, slots(config.actions), width(config.actions))
    actions = torch.randint(0, 3, shape, generator=generator)
    if config.actions.encoding == "meta":
        actions[..., 0] = torch.randint(0, 4, shape[:-1], generator=generator)
    actions = actions.to(torch.int16 if config.actions.encoding == "meta" else torch.uint8)
    maps = (torch.rand(batch, covered, SIZE[1], SIZE[0], generator=generator) > 0.97).float()
    points = torch.rand(batch, covered, 2, generator=generator) * torch.tensor(SIZE)
    text = text_bytes(["open the file", "ls"][:batch] + ["x"] * (batch - 2), config.model.text_tokens * 4)
    return latents, t, Conditions(actions, maps, points, text)


Make = Callable[[Config], WorldModel]


@pytest.fixture(params=INJECTED, ids=name_of)
def config(request: pytest.FixtureRequest) -> Config:
    chosen: Config = request.param
    return chosen
