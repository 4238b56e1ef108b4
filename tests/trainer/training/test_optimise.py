"""One step: what it changes, and that speeding it up changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

import pytest
import torch

from tests.trainer.planning.test_cost import config, inputs
from trainer.data.windows import Loader
from trainer.inputs import ModelInputs
from trainer.machine.parallel import Ranks
from trainer.objective.flow import flow_loss
from trainer.settings.presets import preset
from trainer.training import loop
from trainer.training.optimise import Job, new_model, new_state, rate_factor
from trainer.training.state import State

CPU = torch.device("cpu")


def test_blocks_share_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """One compilation a block would pass PyTorch's limit of eight, from where on nothing is compiled."""
    made: list[str] = []

    def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., object]:
        made.append(graph.print_readable(print_output=False))
        return graph.forward

    case = config("train.compile=true", "train.recompute=true", "model.layers=12", "actions.inject=none")
    plain = new_model(case, 0, CPU)
    latents, conditions = inputs(case, 1)
    truth = flow_loss(plain, latents, conditions, case, 0, [0]).total
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    state = new_state(new_model(case, 0, CPU), case.train, Ranks(), CPU)
    found = flow_loss(state.model, latents, conditions, case, 0, [0]).total
    torch.autograd.backward(found)
    assert 0 < len(made) < case.model.layers
    assert torch.allclose(found, truth, rtol=1e-5)


@pytest.mark.parametrize(("device", "settings"), [("cuda", ()), ("cpu", ("train.compile=true",))])
def test_the_time_told_for_a_step_is_without_compiling(
    device: str, settings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, times = [0.0], iter((0.5, 0.25, 9.0))

    def backward(*given: object) -> None:
        clock[0] += next(times)

    monkeypatch.setattr(loop, "backward", backward)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    job = Job(config("train.compile=false", *settings), cast(ModelInputs, None), 0, torch.device(device))
    assert loop.seconds_a_step(cast(State, MagicMock()), cast(Loader, MagicMock()), job) == 0.25


def test_each_group_has_its_rate() -> None:
    case = config("train.lr=0.01", "train.action_rate=5", "train.head_lr=0.002")
    state = new_state(new_model(case, 0, CPU), case.train, Ranks(), CPU)
    assert [group["peak"] for group in state.optimizer.param_groups] == [0.01, 0.05, 0.002]
    count = sum(len(group["params"]) for group in state.optimizer.param_groups)
    assert count == len(list(state.model.parameters()))


def test_the_rate_rises_then_falls_with_steps_or_time() -> None:
    train = preset("tiny").train
    assert rate_factor(train, 0, 0.0) == pytest.approx(1 / train.warmup)
    assert rate_factor(train, train.warmup, 0.0) == pytest.approx(1 - 0.9 * train.warmup / train.steps)
    assert rate_factor(train, train.steps, 0.0) == pytest.approx(0.1) == rate_factor(train, train.warmup, 1.0)


def test_a_model_starts_from_its_seed_alone() -> None:
    case = config()
    one, two, other = (new_model(case, seed, CPU).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
