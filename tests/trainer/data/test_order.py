"""The order of windows: a function of seed and epoch, shared out over any number of ranks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainer.data.order import Order, share


def epoch_of(order: Order, epoch: int, count: int) -> list[int]:
    return [order.at(position) for position in range(epoch * count, (epoch + 1) * count)]


@given(seed=st.integers(0, 9), count=st.integers(1, 40), epoch=st.integers(0, 5))
def test_every_window_comes_once_an_epoch(seed: int, count: int, epoch: int) -> None:
    assert sorted(epoch_of(Order(seed, count), epoch, count)) == list(range(count))
    assert epoch_of(Order(seed, count), epoch, count) == epoch_of(Order(seed, count, np.ones(count)), epoch, count)


@given(
    weights=st.lists(st.floats(0, 10), min_size=1, max_size=30).filter(lambda values: sum(values) > 0.1),
    seed=st.integers(0, 5), epoch=st.integers(0, 3),
)  # fmt: skip
def test_a_window_comes_as_often_as_its_weight_says_rounded_up_or_down(
    weights: list[float], seed: int, epoch: int
) -> None:
    count = len(weights)
    order = Order(seed, count, np.array(weights))
    seen = Counter(epoch_of(order, epoch, count))
    assert seen.total() == count
    for number, weight in enumerate(weights):
        share_of_epoch = weight * count / sum(weights)
        assert np.floor(share_of_epoch - 1e-6) <= seen[number] <= np.ceil(share_of_epoch + 1e-6)


def test_over_the_epochs_every_window_gets_its_share() -> None:
    weights = np.array([3.0, 1.0, 0.5, 0.5, 0.0])
    order = Order(1, 5, weights)
    seen = Counter(order.at(position) for position in range(5 * 2000))
    assert seen[4] == 0
    assert np.allclose([seen[n] / 2000 for n in range(4)], weights[:4], atol=0.06)


CLIPS = np.repeat(np.arange(120), 25)  # 3,000 windows


def places_of(order: Order, epoch: int = 0, count: int = len(CLIPS)) -> NDArray[np.int64]:
    """The place of each window in an epoch."""
    return np.argsort(epoch_of(order, epoch, count))


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), span=st.integers(0, 40), seed=st.integers(0, 9),
    epoch=st.integers(0, 3),
)  # fmt: skip
def test_mixed_over_a_span_every_window_comes_once_an_epoch(sizes: list[int], span: int, seed: int, epoch: int) -> None:
    clips = np.repeat(np.arange(len(sizes)), sizes)
    found = epoch_of(Order(seed, len(clips), None, clips, span), epoch, len(clips))
    assert sorted(found) == list(range(len(clips)))
    if span == 0 or span >= len(clips):
        assert found == epoch_of(Order(seed, len(clips)), epoch, len(clips))


def test_mixed_over_a_span_weights_hold() -> None:
    weights = np.where(CLIPS < 60, 3.0, 1.0)
    found = epoch_of(Order(1, len(CLIPS), weights, CLIPS, 300), 0, len(CLIPS))
    assert np.mean(CLIPS[found] < 60) == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize("epoch", range(3))
def test_a_clips_windows_come_within_a_span(epoch: int) -> None:
    places = places_of(Order(0, len(CLIPS), None, CLIPS, 400), epoch).reshape(120, 25)
    reach = places.max(1) - places.min(1)
    assert reach.max() < 1.25 * 400 and np.median(reach) > 0.6 * 400


def test_a_span_mixes_as_well_as_its_size_allows() -> None:
    """What is kept of a shuffle of everything: no order within clips, none between them, no special place."""
    places = np.stack([places_of(Order(3, len(CLIPS), None, CLIPS, 400), epoch) for epoch in range(40)])
    by_clip = places.reshape(40, 120, 25)
    middles = by_clip.mean(2)
    assert abs(np.corrcoef(middles[:, 1:].ravel(), middles[:, :-1].ravel())[0, 1]) < 0.05  # neighbouring clips
    assert (np.diff(by_clip, axis=2) > 0).mean() == pytest.approx(0.5, abs=0.01)  # neighbouring windows
    assert np.abs(places.mean(0) / len(CLIPS) - 0.5).max() < 0.25  # of a window over the epochs; 5 standard errors
    batches = np.argsort(places, axis=1).reshape(40, -1, 8)
    alike = (CLIPS[batches][..., :, None] == CLIPS[batches][..., None, :]).sum((2, 3)) - 8
    assert alike.mean() / 56 < 2 * 25 / 400  # pairs of a batch that share a clip: as if it were drawn from the span
    ends = alike[:, [*range(4), *range(-4, 0)]].mean() / 56
    assert ends < 4 * 25 / 400  # half the span meets at the ends of an epoch


@given(total=st.integers(0, 100), world=st.integers(1, 9))
def test_the_ranks_shares_together_are_the_batch_in_order(total: int, world: int) -> None:
    parts = [place for rank in range(world) for place in share(total, rank, world)]
    assert parts == list(range(total))


@given(seed=st.integers(0, 99), position=st.integers(0, 10_000))
def test_any_place_can_be_asked_first(seed: int, position: int) -> None:
    walked = Order(seed, 37)
    assert [walked.at(p) for p in range(position, position + 3)] == [
        Order(seed, 37).at(p) for p in range(position, position + 3)
    ]
