"""The slot rule: which action belongs between which two frames, so that no frame shows a later action."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple


class Slot(NamedTuple):
    """Where an event falls among the frames."""

    slot: int
    """Slot i lies between frames i and i+1; -1: up to the end of frame 0, n-1: after the last frame."""
    ambiguous: bool
    """True if the event fell inside a frame's grab: that frame may or may not show its effect."""


def assign_slots(t0_ns: Sequence[int], t1_ns: Sequence[int], event_ns: Sequence[int]) -> list[Slot]:
    """Assign each event to an action slot.

    A frame's pixels are the screen somewhere in `[t0, t1]`. Slot i holds the events with
    `t1[i] < t <= t1[i+1]`; an event inside `[t0[i+1], t1[i+1]]` is flagged ambiguous.

    Args:
        t0_ns, t1_ns: int64 ns, length n >= 1, `t0[i] <= t1[i] <= t0[i+1]`.
        event_ns: int64 ns on the same clock, in any order.

    Returns:
        One `Slot` per event, in the order given. Slot -1 means "at or before the end of frame 0"
        (part of the clip's start state), n-1 means "after the last frame".
    """
    if len(t0_ns) != len(t1_ns) or not t0_ns:
        raise ValueError("t0_ns and t1_ns must be of equal length >= 1")
    slots = []
    for t in event_ns:
        frame = bisect_left(t1_ns, t)  # the first frame whose grab ended at or after t
        inside = frame < len(t1_ns) and t0_ns[frame] <= t
        slots.append(Slot(frame - 1, inside))
    return slots
