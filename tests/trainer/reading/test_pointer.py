"""The pointer reader finds what looks like a pointer, wherever it is, and is a function of data and seed."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.cursor import render_map
from trainer.reading.pointer import PointerReader, cut_around, fit_reader

SIZE = (48, 32)


def draw(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Arrows on grey noise."""
    points = torch.rand(16, 2, generator=generator) * torch.tensor([40.0, 24.0])
    maps = torch.from_numpy(render_map(points.numpy(), 0.5, SIZE))[..., None]
    frames = 0.3 + 0.1 * torch.rand(16, SIZE[1], SIZE[0], 3, generator=generator)
    return frames * (1 - maps) + maps, points


def test_it_finds_arrows_it_has_not_seen() -> None:
    reader = fit_reader(draw, 90, seed=0)
    frames, points = draw(torch.Generator().manual_seed(99))
    off = (reader.locate(frames) - points).norm(dim=1)
    assert off.median() < 1.5 and (off <= 3).float().mean() > 0.8


def test_fitting_is_a_function_of_the_seed() -> None:
    one, two, other = (fit_reader(draw, 3, seed) for seed in (1, 1, 2))
    frames, _ = draw(torch.Generator().manual_seed(5))
    assert torch.equal(one(frames)[0], two(frames)[0]) and not torch.equal(one(frames)[0], other(frames)[0])


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 47.9), st.floats(0, 31.9), st.integers(0, 2**31))
def test_parts_hold_their_pointer_and_show_it_in_place(x: float, y: float, seed: int) -> None:
    column, row = torch.meshgrid(torch.arange(48.0), torch.arange(32.0), indexing="xy")
    frame = torch.stack([column, row, column], dim=-1)[None]  # each px says where it is
    parts, places = cut_around(frame, torch.tensor([[x, y]]), (16, 12), torch.Generator().manual_seed(seed))
    assert parts.shape == (1, 12, 16, 3)
    left, top = parts[0, 0, 0, 0].item(), parts[0, 0, 0, 1].item()
    assert abs(places[0, 0].item() + left - x) < 1e-4 and abs(places[0, 1].item() + top - y) < 1e-4
    assert 0 <= places[0, 0] < 16 and 0 <= places[0, 1] < 12


def test_locating_does_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    reader = PointerReader().eval()
    frames, _ = draw(torch.Generator().manual_seed(1))
    many = torch.cat([frames] * 3)
    assert torch.allclose(reader.locate(many)[32:], reader.locate(frames), atol=1e-4)
