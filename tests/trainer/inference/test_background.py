"""Where the pointer was, a roll-out shows again what was there before, unless something new is there."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.trainer.model.conftest import inputs, lively, variant
from trainer.inference.background import Background
from trainer.inference.sample import roll_out

SIDE, PATCH = 64, 8


def maps(*places: tuple[int, int]) -> Tensor:
    """[1, F, SIDE, SIDE]: the pointer is on the middle of these cells (row, column)."""
    drawn = torch.zeros(1, len(places), SIDE, SIDE)
    for frame, (row, column) in enumerate(places):
        drawn[0, frame, row * PATCH + 4, column * PATCH + 4] = 1
    return drawn


def picture() -> Tensor:
    return torch.randn(1, 6, 1, SIDE // PATCH, SIDE // PATCH, generator=torch.Generator().manual_seed(0))


def with_cell(latents: Tensor, row: int, column: int, off: float) -> Tensor:
    changed = latents.clone()
    changed[:, :, :, row, column] += off
    return changed


def test_the_mark_that_a_pointer_leaves_goes_with_it() -> None:
    screen, memory = picture(), Background(recall=0.5)
    memory.see(torch.cat([screen, with_cell(screen, 5, 5, 3)], dim=2), maps((1, 1), (5, 5)))
    marked = with_cell(with_cell(screen, 5, 5, 0.3), 2, 2, 3)
    assert torch.equal(memory.restore(marked, maps((2, 2))), with_cell(screen, 2, 2, 3))


def test_it_is_remembered_however_long_the_pointer_stays() -> None:
    screen, memory = picture(), Background(recall=0.5)
    memory.see(screen, maps((1, 1)))
    for _ in range(20):
        memory.see(with_cell(screen, 5, 5, 3), maps((5, 5)))
    assert torch.equal(memory.restore(with_cell(screen, 5, 5, 0.3), maps((1, 1))), screen)


def test_what_is_new_where_the_pointer_was_stays() -> None:
    screen, memory = picture(), Background(recall=0.5)
    memory.see(torch.cat([screen, screen], dim=2), maps((1, 1), (5, 5)))
    opened = with_cell(screen, 5, 5, 0.6)
    assert torch.equal(memory.restore(opened, maps((1, 1))), opened)


def test_only_what_the_pointer_left_is_restored() -> None:
    screen, memory = picture(), Background(recall=0.5)
    memory.see(torch.cat([screen, screen], dim=2), maps((1, 1), (5, 5)))
    elsewhere = with_cell(with_cell(screen, 3, 3, 0.3), 5, 5, 0.3)
    assert torch.equal(memory.restore(elsewhere, maps((5, 5))), elsewhere)


def test_what_was_never_seen_without_the_pointer_is_left_to_the_head() -> None:
    screen, memory = picture(), Background(recall=0.5)
    assert torch.equal(memory.restore(screen, maps((1, 1))), screen)
    memory.see(with_cell(screen, 5, 5, 3), maps((5, 5)))
    guessed = with_cell(screen, 5, 5, 0.3)
    assert torch.equal(memory.restore(guessed, maps((1, 1))), guessed)


def test_a_roll_out_remembers_and_with_recall_0_does_not() -> None:
    far, none = (variant(actions={"head_width": 4}, sample={"recall": recall, "still": 0.0}) for recall in (1e6, 0.0))
    latents, _, conditions = inputs(far)
    assert conditions.maps is not None
    conditions.maps.zero_()
    for frame, column in enumerate([4, 27, 4, 4]):
        conditions.maps[:, frame, 4, column] = 1
    given = latents[:, :, :2]
    remembered, forgotten = (roll_out(lively(far), given, conditions, config, 0) for config in (far, none))
    cell = (slice(None), slice(None), 2, 0, -1)
    assert torch.equal(remembered[cell], given[:, :, 0, 0, -1])
    assert not torch.equal(forgotten[cell], given[:, :, 0, 0, -1])
