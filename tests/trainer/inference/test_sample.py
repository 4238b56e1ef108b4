"""Guarantees of roll-outs: frame by frame is the same as at once, a row does not see its neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from manifests.errors import GoaltraceError
from tests.trainer.model.conftest import BASE, INJECTED, inputs, lively, name_of, variant
from trainer.inference.sample import Stream, roll_out
from trainer.model.world import WorldModel
from trainer.settings.config import Config


def test_an_untrained_model_repeats_the_last_frame() -> None:
    latents, _, conditions = inputs(BASE)
    torch.manual_seed(0)
    made = roll_out(WorldModel(BASE).eval(), latents[:, :, :1], conditions, BASE, seed=0)
    assert torch.allclose(made, latents[:, :, :1].expand_as(made), atol=0.1)


@pytest.mark.parametrize("steps", [3, 60])
def test_no_noise_is_left_however_many_steps_are_taken(steps: int) -> None:
    config = variant(sample={"steps": steps, "still": 0.0})
    latents, _, conditions = inputs(config)
    torch.manual_seed(0)
    made = roll_out(WorldModel(config).eval(), latents[:, :, :1], conditions, config, seed=0)
    assert torch.allclose(made, latents[:, :, :1].expand_as(made), atol=0.02)


@pytest.mark.parametrize("config", INJECTED, ids=name_of)
def test_a_stream_makes_the_frames_of_a_roll_out_one_by_one(config: Config) -> None:
    latents, _, conditions = inputs(config)
    model, time, calls = lively(config), config.codec.time, []
    whole = roll_out(model, latents[:, :, :2], conditions, config, 3, lambda: calls.append(1))
    stream = Stream(model, config, 3)
    stream.show(latents[:, :, :1], conditions.frames(0, 1))
    stream.show(latents[:, :, 1:2], conditions.frames(1, 1 + time))
    parts = [stream.next(conditions.frames(first, first + time)) for first in (1 + time, 1 + 2 * time)]
    assert torch.allclose(torch.cat([latents[:, :, :2], *parts], dim=2), whole, atol=1e-4)
    assert len(calls) == 2 and whole.shape == latents.shape


def test_a_row_of_a_roll_out_is_the_same_alone() -> None:
    latents, _, conditions = inputs(BASE, batch=3)
    model = lively(BASE)
    whole = roll_out(model, latents[:, :, :2], conditions, BASE, 0)
    alone = roll_out(model, latents[1:2, :, :2], conditions.rows(1, 2), BASE, 0)
    assert torch.allclose(whole[1:2], alone, atol=1e-4)


def test_what_hardly_changes_stays_exactly_as_it_was() -> None:
    config = variant(data={"window": 5})
    latents, _, conditions = inputs(config)
    torch.manual_seed(0)
    made = roll_out(WorldModel(config).eval(), latents[:, :, :1], conditions, config, 0)
    assert torch.equal(made, latents[:, :, :1].expand_as(made))


def test_the_future_of_the_actions_does_not_change_frames_made_before() -> None:
    latents, _, conditions = inputs(BASE)
    model = lively(BASE)
    later = conditions.actions.clone()
    later[:, 3:] += 1
    one = roll_out(model, latents[:, :, :1], conditions, BASE, 0)
    two = roll_out(model, latents[:, :, :1], replace(conditions, actions=later), BASE, 0)
    assert torch.equal(one[:, :, :3], two[:, :, :3]) and not torch.equal(one[:, :, 3:], two[:, :, 3:])


@pytest.mark.parametrize(("window", "kept"), [(0, 3), (1, 0), (2, 1), (9, 3)])
def test_a_stream_remembers_no_more_than_its_model_looks_back_to(window: int, kept: int) -> None:
    config = variant(model={"window": window}, data={"window": 6}, sample={"context": 3})
    latents, _, conditions = inputs(config, frames=6)
    stream = Stream(lively(config), config, 0)
    stream.show(latents[:, :, :2], conditions.frames(0, 2))
    for frame in range(2, 6):
        stream.next(conditions.frames(frame, frame + 1))
    cells = latents[0, 0, 0].numel() // config.model.patch**2
    held = [0 if past.keys is None else past.keys.shape[1] for past in stream._cache.blocks]
    assert held == [kept * cells] * config.model.layers


def test_a_model_without_causality_says_that_it_cannot_roll_out() -> None:
    config = variant(model={"causal": False})
    with pytest.raises(GoaltraceError, match=r"model.causal=true"):
        Stream(lively(config), config, 0)
