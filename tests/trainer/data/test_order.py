"""The order of windows: a function of seed and epoch, shared out over any number of ranks."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
