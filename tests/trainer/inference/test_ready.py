"""Guarantees of models made ready for inference: the same frames, and nothing compiled from frame to frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
import torch

from manifests.errors import GoaltraceError
from tests.trainer.model.conftest import INJECTED, counted, inputs, lively, name_of, variant
from trainer.inference.ready import compile_steady, make_ready
from trainer.inference.sample import Stream
from trainer.machine.compiling import compiled
from trainer.model.world import WorldModel
from trainer.settings.config import Config

CPU, FRAMES = torch.device("cpu"), 6


def computing(config: Config, precision: str) -> Config:
    return replace(config, train=replace(config.train, precision=precision))


def rolled(model: WorldModel, config: Config, shown: int) -> torch.Tensor:
    """FRAMES frames after `shown` true ones."""
    latents, _, conditions = inputs(config)
    time = config.codec.time
    stream = Stream(model, config, 0)
    stream.show(latents[:, :, :shown], conditions.frames(0, 1 + (shown - 1) * time))
    return torch.cat([stream.next(conditions.frames(1, 1 + time)) for _ in range(FRAMES)], dim=2)


@pytest.mark.parametrize("config", INJECTED, ids=name_of)
def test_low_weights_are_those_that_autocast_makes(config: Config) -> None:
    low = computing(config, "bf16")
    plain, quick = lively(low), make_ready(lively(low), low.train, CPU)
    assert torch.equal(rolled(plain, low, 1), rolled(quick, low, 1))
    assert any(weight.dtype == torch.bfloat16 for weight in quick.parameters())


def test_a_model_in_fp32_is_left_alone() -> None:
    config = computing(variant(), "auto")
    model = make_ready(lively(config), config.train, CPU)
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


@pytest.mark.parametrize(("inject", "window"), [("internal", 0), ("contextual", 1)])
def test_a_roll_out_is_compiled_for_looking_and_for_remembering_and_never_again(
    inject: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[torch.fx.GraphModule] = []
    config = variant(
        model={"layers": 10, "window": window}, actions={"inject": inject}, data={"window": 5},
        sample={"context": 3, "still": 0.0},
    )  # fmt: skip
    model = lively(config)
    plain = [rolled(model, config, shown) for shown in (1, 3)]
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counted(made)))
    compile_steady(model)
    for want, shown in zip(plain, (1, 3), strict=True):
        assert torch.allclose(rolled(model, config, shown), want, atol=1e-4)
        assert len(made) == 2


def test_more_shapes_are_compiled_than_pytorch_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of two kinds, each for looking and for remembering, in batches of three sizes are twelve."""
    made: list[torch.fx.GraphModule] = []

    def double(given: torch.Tensor) -> torch.Tensor:
        return 2 * given

    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counted(made)))
    quick = compiled(double, dynamic=False)
    for size in range(2, 14):
        quick(torch.ones(size))
    assert len(made) == 12


def test_the_first_that_is_remembered_is_no_view_so_that_it_is_compiled_for_as_the_later_are() -> None:
    config = variant(sample={"context": 2})
    latents, _, conditions = inputs(config)
    stream = Stream(lively(config), config, 0)
    for frame in range(2):
        stream.show(latents[:, :, frame : frame + 1], conditions.frames(frame, frame + 1))
        held = [tensor for past in stream._cache.blocks for tensor in (past.keys, past.values)]
        assert held and not any(tensor is None or tensor._is_view() for tensor in held)


def test_a_roll_out_that_cannot_be_compiled_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., object]:
        raise RuntimeError("no gcc")

    config = variant(sample={"context": 2})
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    model = lively(config)
    compile_steady(model)
    with pytest.raises(GoaltraceError, match=r"torch.compile failed .*no gcc.*apt install"):
        rolled(model, config, 2)
