"""How the hand moves."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from collector.agents.desktop.motor import fitts_s, minimum_jerk, movement

points = st.tuples(st.integers(0, 3000), st.integers(0, 3000))


@given(points, points, st.floats(1, 500), st.integers(0, 10_000))
def test_a_movement_ends_exactly_where_it_was_meant_to(
    start: tuple[int, int], end: tuple[int, int], width: float, seed: int
) -> None:
    path = list(movement(start, end, width, random.Random(seed)))
    if math.dist(start, end) < 1:
        assert path == []
        return
    assert path[-1][1] == end
    times = [at for at, _ in path]
    assert times == sorted(times)
    assert times[0] > 0


@given(st.floats(1, 3000), st.floats(1, 500))
def test_far_and_small_targets_take_longer(distance: float, width: float) -> None:
    assert fitts_s(distance * 2, width) > fitts_s(distance, width)
    assert fitts_s(distance, width * 2) < fitts_s(distance, width)


def test_speed_is_highest_in_the_middle() -> None:
    steps = [minimum_jerk((i + 1) / 20) - minimum_jerk(i / 20) for i in range(20)]
    assert steps.index(max(steps)) in (9, 10)
    assert minimum_jerk(0) == 0
    assert minimum_jerk(1) == 1


def test_the_same_seed_moves_the_same_way() -> None:
    one, two = (list(movement((0, 0), (500, 300), 20, random.Random(4))) for _ in range(2))
    assert one == two
