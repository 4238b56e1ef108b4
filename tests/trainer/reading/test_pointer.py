"""The pointer reader finds what looks like a pointer and was elsewhere before, and is a function of data and seed."""

from __future__ import annotations

import torch
from torch import Tensor

from trainer.data.cursor import render_map
from trainer.reading.pointer import CELL, PointerReader, fit_reader

SIZE = (48, 32)


def arrows(points: Tensor, onto: Tensor) -> Tensor:
    maps = torch.from_numpy(render_map(points.numpy(), 0.5, SIZE))[..., None]
    return onto * (1 - maps) + maps


def draw(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Arrows on grey noise, that were elsewhere on the same noise."""
    onto = 0.3 + 0.1 * torch.rand(16, SIZE[1], SIZE[0], 3, generator=generator)
    points, others = (torch.rand(16, 2, generator=generator) * torch.tensor([40.0, 24.0]) for _ in range(2))
    return arrows(points, onto), arrows(others, onto), points


def test_it_finds_arrows_it_has_not_seen() -> None:
    reader = fit_reader(draw, 90, seed=0)
    frames, before, points = draw(torch.Generator().manual_seed(99))
    off = (reader.locate(frames, before) - points).norm(dim=1)
    assert off.median() < 1.5 and (off <= 3).float().mean() > 0.8


def test_what_looks_like_a_pointer_and_stands_still_is_none() -> None:
    reader = fit_reader(draw, 90, seed=0)
    frames, before, points = draw(torch.Generator().manual_seed(7))
    icons = torch.tensor([[2.0, 20.0], [38.0, 3.0]]).repeat(8, 1)
    seen = arrows(icons, frames), arrows(icons, before)
    apart = (points - icons).norm(dim=1) > 12
    off = (reader.locate(*seen) - points).norm(dim=1)[apart]
    assert apart.sum() >= 8 and (off <= 3).float().mean() > 0.8


def test_where_nothing_has_changed_it_looks_everywhere() -> None:
    reader = fit_reader(draw, 3, seed=0)
    frames, _, _ = draw(torch.Generator().manual_seed(5))
    scores, offsets = reader(frames, frames)
    best, columns = scores.argmax(1), SIZE[0] // CELL
    corner = torch.stack([best % columns, best // columns], dim=1) * CELL
    assert torch.equal(reader.locate(frames, frames), corner + offsets[torch.arange(len(best)), best])
    assert len(best.unique()) > 1


def test_fitting_is_a_function_of_the_seed() -> None:
    one, two, other = (fit_reader(draw, 3, seed) for seed in (1, 1, 2))
    frames, before, _ = draw(torch.Generator().manual_seed(5))
    scores = [reader(frames, before)[0] for reader in (one, two, other)]
    assert torch.equal(scores[0], scores[1]) and not torch.equal(scores[0], scores[2])


def test_locating_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    reader = PointerReader().eval()
    frames, before, _ = draw(torch.Generator().manual_seed(1))
    many = [torch.cat([part] * 3) for part in (frames, before)]
    assert torch.allclose(reader.locate(*many)[32:], reader.locate(frames, before), atol=1e-4)
