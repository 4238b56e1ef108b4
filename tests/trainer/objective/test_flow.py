"""Guarantees of what is learnt: the same draw whatever the ranks, a loss that falls, levels that add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.trainer.model.conftest import BASE, inputs, lively, variant
from trainer.model.world import WorldModel
from trainer.objective.base import LEVELS, pointer_cells
from trainer.objective.flow import Draw, flow_loss
from trainer.settings.config import Config

RECIPES = [
    variant(),
    variant(train={"forcing": "teacher", "contrast": 0.1}, actions={"encoding": "meta"}),
    variant(train={"chunk": 2}, model={"predicts": "velocity"}, actions={"inject": "contextual"}),
]


@pytest.mark.parametrize("config", RECIPES, ids=["change", "teacher", "velocity"])
def test_overfitting_one_batch_lowers_the_loss_a_lot(config: Config) -> None:
    latents, _, conditions = inputs(config, frames=4)
    torch.manual_seed(0)
    model = WorldModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)
    losses = []
    for _ in range(60):
        loss = flow_loss(model, latents, conditions, config, seed=0, positions=[5, 6])
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.parts["flow"].item())
    assert sum(losses[-4:]) < 0.3 * sum(losses[:4])


@pytest.mark.parametrize("config", RECIPES, ids=["change", "teacher", "velocity"])
def test_a_window_is_drawn_alike_in_any_batch(config: Config) -> None:
    latents, _, _ = inputs(config, batch=3)
    together = Draw.of(latents, config, 7, [10, 11, 12])
    alone = Draw.of(latents[1:2], config, 7, [11])
    for name in ("t", "learnt", "noise", "blur", "keep", "keep_text"):
        assert torch.equal(getattr(together, name)[1], getattr(alone, name)[0])
    assert not torch.equal(together.noise[0], together.noise[1])
    assert not torch.equal(Draw.of(latents[1:2], config, 8, [11]).noise, alone.noise)


def test_a_batch_cut_into_uneven_parts_has_the_same_gradient() -> None:
    """What ranks and train.micro rely on: each part counts by the frames that are learnt in it."""
    config = variant(train={"contrast": 1.0})
    latents, _, conditions = inputs(config, batch=4)
    model = lively(config)
    flow_loss(model, latents, conditions, config, 0, [0, 1, 2, 3]).total.backward()
    whole = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    parts = [
        flow_loss(model, latents[a:b], conditions.rows(a, b), config, 0, list(range(a, b))) for a, b in ((0, 3), (3, 4))
    ]
    learnt = [part.by_level[:, 1].sum() for part in parts]
    for part, count in zip(parts, learnt, strict=True):
        (part.total * count / sum(learnt)).backward()
    for want, weight in zip(whole, model.parameters(), strict=True):
        assert torch.allclose(want, weight.grad, atol=1e-4)


def test_teacher_forcing_learns_one_chunk_from_a_clean_past() -> None:
    config = variant(train={"forcing": "teacher", "chunk": 2})
    latents = torch.zeros(64, 6, 7, 4, 8)
    draw = Draw.of(latents, config, 0, list(range(64)))
    assert (draw.learnt.sum(1) == 2).all() and not draw.learnt[:, 0].any()
    assert (draw.t[~draw.learnt] <= 0.05).all() and (draw.t[draw.learnt] >= 0.1).all()
    assert len({int(row.nonzero()[0]) for row in draw.learnt}) == 3  # every chunk has its turn


def test_diffusion_forcing_gives_each_chunk_its_own_level() -> None:
    config = variant(train={"chunk": 2})
    draw = Draw.of(torch.zeros(64, 6, 7, 4, 8), config, 0, list(range(64)))
    assert torch.equal(draw.t[:, 1::2], draw.t[:, 2::2])
    assert not torch.equal(draw.t[:, 1], draw.t[:, 3])
    assert (draw.t[:, 0] <= 0.05).all() and not draw.learnt[:, 0].any()


def test_losses_by_level_are_those_of_the_learnt_frames() -> None:
    config = replace(BASE, train=replace(BASE.train, pointer_weight=0.0))
    latents, _, conditions = inputs(config, batch=4)
    losses = flow_loss(lively(config), latents, conditions, config, 0, [0, 1, 2, 3])
    draw = Draw.of(latents, config, 0, [0, 1, 2, 3])
    assert losses.by_level.shape == (LEVELS, 2)
    assert losses.by_level[:, 1].sum() == draw.learnt.sum()
    mean = losses.by_level[:, 0].sum() / losses.by_level[:, 1].sum()
    assert torch.allclose(mean, losses.parts["flow"], rtol=1e-4)


def test_the_pointer_weight_covers_where_it_is_and_was() -> None:
    maps = torch.zeros(1, 2, 16, 16)
    maps[0, 0, 3, 3] = maps[0, 1, 12, 12] = 0.1
    cells = pointer_cells(maps, 2)[0, 0]
    assert cells.tolist() == [[[1, 0], [0, 0]], [[1, 0], [0, 1]]]


def test_a_latent_frame_of_four_has_the_pointers_of_all_four() -> None:
    maps = torch.zeros(1, 5, 16, 16)
    maps[0, 0, 0, 0] = maps[0, 2, 15, 0] = maps[0, 4, 15, 15] = 1
    cells = pointer_cells(maps, 2, time=4)[0, 0]
    assert cells.tolist() == [[[1, 0], [0, 0]], [[1, 0], [1, 1]]]
