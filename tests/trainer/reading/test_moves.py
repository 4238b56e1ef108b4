"""What the pointer reader learns from shows the pointer where it is, and an earlier frame in the same place."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.reading.moves import Moves

SIZE = (48, 32)


def clip(*tips: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Each px says where it is and which frame it is in."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    frames = np.stack([np.stack([x, y, np.full_like(x, number)], axis=-1) for number in range(len(tips))])
    return frames.astype(np.uint8), np.array(tips, np.float32)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 47.9), st.floats(0, 31.9), st.integers(1, 60), st.integers(1, 40), st.integers(0, 2**31))
def test_parts_hold_their_pointer_and_show_it_in_place(x: float, y: float, width: int, height: int, seed: int) -> None:
    away = (x + 10) % 48
    moves = Moves.of([clip((away, y), (x, y))])
    parts, before, places = moves.draw((moves.frames,), 3, (width, height), torch.Generator().manual_seed(seed))
    assert parts.shape == before.shape == (3, min(height, 32), min(width, 48), 3)
    for part, old, (left, top) in zip(parts * 255, before * 255, places.tolist(), strict=True):
        assert abs(left + part[0, 0, 0].item() - x) < 1e-3 and abs(top + part[0, 0, 1].item() - y) < 1e-3
        assert 0 <= left < part.shape[1] and 0 <= top < part.shape[0]
        assert torch.equal(part[..., :2], old[..., :2])
        assert old[0, 0, 2].round() == 0 and part[0, 0, 2].round() == 1


def test_an_earlier_frame_is_one_of_the_same_clip_with_the_pointer_elsewhere_or_not_to_be_seen() -> None:
    nowhere = (np.nan, np.nan)
    moves = Moves.of([clip((5, 5), (7, 5), (20, 5), nowhere), clip((5, 5), nowhere, (5, 5), (6, 5))])
    assert moves.earlier == {2: [0, 1], 6: [5], 7: [5]}


def test_views_are_taken_in_turn() -> None:
    moves = Moves.of([clip((5, 5), (30, 20))])
    dark = torch.zeros_like(moves.frames)
    parts, _, _ = moves.draw((dark, moves.frames), 4, SIZE, torch.Generator())
    assert [bool(part.any()) for part in parts] == [False, True, False, True]


def test_no_clips_give_no_moves() -> None:
    assert not Moves.of([]).earlier
