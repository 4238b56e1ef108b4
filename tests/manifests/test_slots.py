"""The slot rule, by its own table of cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.slots import assign_slots

# Three frames: [10, 12], [20, 23], [30, 31].
T0, T1 = [10, 20, 30], [12, 23, 31]

CASES = [
    (5, -1, False, "before the first grab: part of the start state"),
    (10, -1, True, "as the first grab begins"),
    (12, -1, True, "as the first grab ends: it may be seen in frame 0"),
    (13, 0, False, "just after frame 0: its effect is first seen in frame 1"),
    (19, 0, False, "just before frame 1"),
    (20, 0, True, "inside frame 1's grab, at its beginning"),
    (22, 0, True, "inside frame 1's grab"),
    (23, 0, True, "inside frame 1's grab, at its end"),
    (24, 1, False, "just after frame 1"),
    (31, 1, True, "inside the last frame's grab, at its end"),
    (32, 2, False, "after the last frame"),
]


@pytest.mark.parametrize(("t", "slot", "ambiguous", "why"), CASES)
def test_slot_rule(t: int, slot: int, ambiguous: bool, why: str) -> None:
    assert assign_slots(T0, T1, [t]) == [(slot, ambiguous)], why


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    steps = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30))
    t0, t1, now = [], [], 0
    for wait, grab in steps:
        t0.append(now + wait)
        t1.append(now + wait + grab)
        now = t1[-1]
    events = draw(st.lists(st.integers(-10, now + 100), max_size=30))
    return t0, t1, events


@given(recordings())
def test_no_frame_is_placed_before_an_action_it_may_show(data: tuple[list[int], list[int], list[int]]) -> None:
    t0, t1, events = data
    for t, (slot, ambiguous) in zip(events, assign_slots(t0, t1, events), strict=True):
        # every frame up to `slot` ended before the action happened: it cannot show the action's effect
        assert slot < 0 or t1[slot] < t
        # every frame after `slot` ended at or after it
        assert slot + 1 >= len(t1) or t <= t1[slot + 1]
        assert ambiguous == any(a <= t <= b for a, b in zip(t0[slot + 1 : slot + 2], t1[slot + 1 :], strict=False))


def test_frames_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equal length"):
        assign_slots([1, 2], [1], [1])
