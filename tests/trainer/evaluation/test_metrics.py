"""Every figure against another way to compute it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.evaluation.metrics import (
    LUMA,
    after_actions,
    character_accuracy,
    edit_distance,
    evenly_spaced,
    line_figures,
    overlap,
    psnr,
    squared_error,
    ssim,
)
from trainer.reading.changes import CHANGED, changed


def pictures(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, 3, generator=torch.Generator().manual_seed(seed))


def test_psnr_is_ten_decibels_for_a_tenth() -> None:
    assert psnr(0.1) == pytest.approx(10) and psnr(0.001) == pytest.approx(30)
    assert psnr(0.0) == 99
    a, b = pictures(0, 2, 12, 13), pictures(1, 2, 12, 13)
    one_by_one = [np.mean((a[k].numpy() - b[k].numpy()) ** 2) for k in range(2)]
    assert squared_error(a, b).tolist() == pytest.approx(one_by_one, rel=1e-5)


def slow_ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Window by window, as equations 13 to 16 of Wang et al. 2004 are written; a, b [height, width] in 0..1."""
    offsets = range(-5, 6)
    weight = np.array([[math.exp(-(x * x + y * y) / (2 * 1.5**2)) for x in offsets] for y in offsets])
    weight /= weight.sum()
    found = []
    for y in range(5, a.shape[0] - 5):
        for x in range(5, a.shape[1] - 5):
            p, q = (side[y - 5 : y + 6, x - 5 : x + 6] for side in (a, b))
            mp, mq = (weight * p).sum(), (weight * q).sum()
            vp, vq = (weight * (p - mp) ** 2).sum(), (weight * (q - mq) ** 2).sum()
            cov = (weight * (p - mp) * (q - mq)).sum()
            c1, c2 = 0.01**2, 0.03**2
            found.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return float(np.mean(found))


def test_ssim_is_that_of_its_equations() -> None:
    a = pictures(0, 2, 17, 21)
    b = (0.7 * a + 0.3 * pictures(1, 2, 17, 21)).clamp(0, 1)
    luma = np.array(LUMA)
    expected = [slow_ssim(a[k].double().numpy() @ luma, b[k].double().numpy() @ luma) for k in range(2)]
    assert ssim(a, b).tolist() == pytest.approx(expected, abs=1e-5)
    assert ssim(a, a).tolist() == pytest.approx([1, 1], abs=1e-6)


def test_change_f1_counts_pixels_once_whatever_their_channels() -> None:
    before = torch.zeros(6, 7, 3)
    true, made = torch.zeros(1, 6, 7, 3), torch.zeros(1, 6, 7, 3)
    true[0, 1, 1:5] = 1  # 4 px
    made[0, 1, 3:7, 2] = 2 * CHANGED  # 4 px, 2 of them the same
    made[0, 5, 5] = CHANGED / 2  # too little to count
    hit, both = overlap(changed(made, before), changed(true, before))
    assert (hit.item(), both.item()) == (4, 8)
    precision, recall = 2 / 4, 2 / 4
    assert hit.item() / both.item() == pytest.approx(2 * precision * recall / (precision + recall))


@given(st.lists(st.floats(0, 20), max_size=6), st.integers(1, 60), st.sampled_from([3.0, 5.0, 15.0]), st.integers(1, 9))
def test_frames_after_actions_are_the_union_of_their_windows(
    times: list[float], frames: int, fps: float, first: int
) -> None:
    expected = set()
    for t in times:
        f = int(np.floor(t * fps + 0.5))
        if f >= first - 1:
            expected |= {k for k in range(f + 1, f + 16) if k < frames}
    assert set(np.flatnonzero(after_actions(times, frames, fps, first)).tolist()) == expected


def test_the_frame_of_the_action_itself_is_skipped() -> None:
    chosen = after_actions([1.0], 30, 5.0, first=2)
    assert not chosen[:6].any() and chosen[6:21].all() and not chosen[21:].any()
    assert not after_actions([0.1], 30, 5.0, first=4).any()  # the model was shown what came of it


def slow_distance(a: str, b: str) -> int:
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            table[i][j] = min(change, table[i - 1][j] + 1, table[i][j - 1] + 1)
    return table[-1][-1]


@settings(max_examples=300)
@given(st.text("ab c\n", max_size=14), st.text("ab c\n", max_size=14))
def test_edit_distance_is_that_of_the_table(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == slow_distance(a, b)
    assert 0 <= character_accuracy(a, b) <= 1


def test_accuracy_of_characters() -> None:
    assert character_accuracy("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert character_accuracy("", "") == 1 and character_accuracy("a lot of it", "x") == 0


def test_lines_that_are_empty_or_unknown_do_not_count() -> None:
    read = ["$ ls", "a b", "noise", "x", None]
    truth = ["$ ls", "a c", "", None, "y"]
    accuracy, exact, count = line_figures(read, truth)
    assert (exact, count) == (1, 2) and accuracy == pytest.approx(1 + 2 / 3)


def test_evenly_spaced_places_include_both_ends() -> None:
    assert evenly_spaced(15, 5) == [0, 4, 7, 10, 14] and evenly_spaced(3, 5) == [0, 1, 2] and evenly_spaced(1, 5) == [0]
