"""Guarantees of the model: causal in every condition, the base at step 0, the same alone and in a batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.trainer.model.conftest import BASE, WAYS, inputs, lively, variant
from trainer.model.cache import KVCache
from trainer.model.world import WorldModel
from trainer.objective.base import frame_before
from trainer.objective.flow import flow_loss
from trainer.settings.config import Config
from trainer.settings.presets import PRESETS


def run(model: WorldModel, *given: object) -> torch.Tensor:
    latents, t, conditions = given
    with torch.no_grad():
        return model(latents, t, conditions, frame_before(latents) if model.history is not None else None)


@pytest.mark.parametrize("changed", ["latents", "t", "actions", "maps", "points"])
def test_the_future_never_changes_the_past(config: Config, changed: str) -> None:
    model, (latents, t, conditions) = lively(config), inputs(config)
    past, covered = 2, 1 + config.codec.time
    other_latents, other_t = latents.clone(), t.clone()
    if changed == "latents":
        other_latents[:, :, past:] += 1
    elif changed == "t":
        other_t[:, past:] = 1 - other_t[:, past:]
    else:
        part = getattr(conditions, changed).clone()
        part[:, covered:] = part[:, covered:].flip(-1) + 1
        conditions_after = replace(conditions, **{changed: part})
    after = run(model, other_latents, other_t, conditions_after if changed not in ("latents", "t") else conditions)
    before = run(model, latents, t, conditions)
    assert torch.allclose(before[:, :, :past], after[:, :, :past], atol=1e-5)
    used = {"maps": config.actions.cursor in ("map", "reference"), "points": config.actions.cursor == "coords"}
    if used.get(changed, True):
        assert not torch.allclose(before[:, :, past:], after[:, :, past:], atol=1e-3)


def test_at_step_zero_the_model_is_its_base(config: Config) -> None:
    torch.manual_seed(0)
    model = WorldModel(config).eval()
    torch.nn.init.normal_(model.dit.proj_out.weight)
    latents, t, conditions = inputs(config)
    bare = replace(conditions, actions=None, maps=None, points=None)
    assert torch.allclose(run(model, latents, t, conditions), run(model, latents, t, bare), atol=1e-6)
    assert not torch.allclose(
        run(lively(config), latents, t, conditions), run(lively(config), latents, t, bare), atol=1e-3
    )


def test_a_cached_roll_out_is_the_full_pass(config: Config) -> None:
    model, (latents, t, conditions) = lively(config), inputs(config)
    history = frame_before(latents) if model.history is not None else None
    cache, time = KVCache(config.model.layers, limit=4), config.codec.time
    cache.write = True
    made = []
    with torch.no_grad():
        for first, last in ((0, 2), (2, 3), (3, 4)):
            covered = (0 if first == 0 else 1 + (first - 1) * time, 1 + (last - 1) * time)
            past = None if history is None else history[:, :, first:last]
            part = model(latents[:, :, first:last], t[:, first:last], conditions.frames(*covered), past, cache)
            made.append(part)
    assert torch.allclose(torch.cat(made, dim=2), run(model, latents, t, conditions), atol=2e-5)


@pytest.mark.parametrize("inject", WAYS)
@pytest.mark.parametrize("window", [1, 2, 3])
def test_a_bounded_cache_is_a_window_of_frames(window: int, inject: str) -> None:
    """Of a window of one frame nothing is remembered."""
    config = variant(model={"window": window}, actions={"lag": 1, "inject": inject})
    model, (latents, t, conditions) = lively(config), inputs(config, frames=5)
    history, cache = frame_before(latents), KVCache(config.model.layers, window - 1)
    cache.write = True
    with torch.no_grad():
        made = [
            model(
                latents[:, :, f : f + 1], t[:, f : f + 1], conditions.frames(f, f + 1), history[:, :, f : f + 1], cache
            )
            for f in range(5)
        ]
    assert torch.allclose(torch.cat(made, dim=2), run(model, latents, t, conditions), atol=2e-5)
    assert cache.frames == window - 1 and cache.next_frame == 5


def test_a_pass_that_does_not_write_leaves_the_cache_alone() -> None:
    model, (latents, t, conditions) = lively(BASE), inputs(BASE)
    cache = KVCache(BASE.model.layers, limit=4)
    cache.write = True
    first, second = latents[:, :, :1], latents[:, :, 1:2]
    model(first, t[:, :1], conditions.frames(0, 1), first * 0, cache)
    cache.write = False
    once, again = (model(second, t[:, 1:2], conditions.frames(1, 2), first, cache) for _ in range(2))
    assert torch.equal(once, again) and cache.next_frame == 1


def test_batch_size_does_not_change_the_result(config: Config) -> None:
    model, (latents, t, conditions) = lively(config), inputs(config, batch=3)
    alone = [run(model, latents[n : n + 1], t[n : n + 1], conditions.rows(n, n + 1)) for n in range(3)]
    assert torch.allclose(run(model, latents, t, conditions), torch.cat(alone), atol=1e-5)


def test_hidden_conditions_do_not_reach_the_picture(config: Config) -> None:
    model, (latents, t, conditions) = lively(config), inputs(config)
    hide = torch.tensor([False, True])
    shown = replace(conditions, keep=hide, keep_text=hide)
    other = replace(
        shown, actions=shown.actions.flip(1), maps=shown.maps.flip(2), points=shown.points.flip(1), text=shown.text + 1
    )
    one, two = run(model, latents, t, shown), run(model, latents, t, other)
    assert torch.equal(one[0], two[0]) and not torch.allclose(one[1], two[1], atol=1e-3)


def test_every_parameter_learns(config: Config) -> None:
    settings = replace(config, train=replace(config.train, contrast=0.1, action_dropout=0.5))
    model, (latents, _, conditions) = lively(settings), inputs(settings, batch=8)
    torch.nn.init.normal_(model.contrast.of_picture.weight)
    flow_loss(model, latents, conditions, settings, 0, list(range(8))).total.backward()
    unmoved = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not unmoved


def test_the_number_of_parameters_is_told_by_part(config: Config) -> None:
    model = WorldModel(config)
    assert sum(model.parts().values()) == sum(weight.numel() for weight in model.parameters())
    assert sum(len(group) for group in model.groups().values()) == len(list(model.parameters()))
    assert model.parts()["injection"] > 0


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds(name: str) -> None:
    with torch.device("meta"):
        model = WorldModel(PRESETS[name])
    millions = sum(weight.numel() for weight in model.parameters()) / 1e6
    low, high = {"tiny": (0.5, 3), "small": (40, 120), "base-120m": (110, 190), "wan-1.3b": (1300, 1900)}[name]
    assert low < millions < high
