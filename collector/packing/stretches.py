"""Which parts of a session may be in clips: what was recorded without a break, and what a review kept.

A clip never spans a pause or a sleep, and nothing from outside a stretch gets into its clips.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from manifests.session import FOREVER_NS, Event, Frame


class ClipSpan(NamedTuple):
    """Times [begin, end) and the frames [first, stop) that lie in them whole."""

    begin_ns: int
    end_ns: int
    first: int
    stop: int


def stretches(frames: Sequence[Frame], events: Sequence[Event], keep_ns: tuple[int, int] | None) -> list[ClipSpan]:
    """The stretches of a session, in order; some may hold no frame.

    Args:
        frames: in order, their times not running backwards.
        events: of the session; only pause, resume and sleep matter here.
        keep_ns: what a review kept, ends included; None: everything.
    """
    t0, t1 = [frame.t0_ns for frame in frames], [frame.t1_ns for frame in frames]
    low, high = (-FOREVER_NS, FOREVER_NS) if keep_ns is None else (keep_ns[0], keep_ns[1] + 1)
    found = []
    for begin, end in _unbroken(events):
        begin, end = max(begin, low), min(end, high)
        if begin < end:
            first = bisect_left(t0, begin)
            found.append(ClipSpan(begin, end, first, max(first, bisect_left(t1, end))))
    return found


def _unbroken(events: Sequence[Event]) -> list[tuple[int, int]]:
    spans = []
    begin: int | None = -FOREVER_NS
    for event in sorted(events, key=lambda event: event.t_ns):
        if event.kind in ("pause", "sleep") and begin is not None:
            spans.append((begin, event.t_ns))
            begin = event.t_ns if event.kind == "sleep" else None
        elif event.kind == "resume" and begin is None:
            begin = event.t_ns
    return spans if begin is None else [*spans, (begin, FOREVER_NS)]
