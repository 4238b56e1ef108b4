"""Efficacy: is an action followed by a visible change more often than the screen changes by itself?

Each change counts for at most one action, the nearest before it: an action's window opens with its slot and
closes after half a second or at the next action. Windows of the same length at rest (no action for half a
second) say how often the screen changes anyway: a clock, a video, or a pointer that lights up what it passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curation.scores.action_slots import ActionSlot
from curation.scores.frames import Pixels

WINDOW_NS = 500_000_000
NEAR_PX = 64
CHANGED_PX = 6  # work pixels: less than a letter, more than coding noise
MAX_STEPS = 16  # windows are compared up to this many frame steps
MIN_WINDOWS = 20  # fewer windows at rest than this say nothing about a baseline


@dataclass(frozen=True)
class Response:
    """What followed one action."""

    steps: int
    """Length of its window in frame steps, 1..MAX_STEPS."""
    changed: bool
    changed_near: bool | None
    """Within NEAR_PX of the click; None for what is not a click."""


@dataclass
class Rest:
    """Windows at rest, by their length in frame steps (index 0 is unused)."""

    windows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MAX_STEPS + 1, np.int64))
    changed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MAX_STEPS + 1, np.int64))
    changed_near: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MAX_STEPS + 1, np.int64))

    def add(self, other: Rest) -> None:
        self.windows += other.windows
        self.changed += other.changed
        self.changed_near += other.changed_near

    @property
    def enough(self) -> bool:
        return bool(self.windows[1] >= MIN_WINDOWS)

    def chance(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of windows at rest with a change, by length, float64 [MAX_STEPS + 1].

        `counts` is `changed` or `changed_near`. Past the longest length L seen often enough, windows are
        taken as independent runs of L: 1 - (1 - p_L)^(length / L).
        """
        longest = int(np.flatnonzero(self.windows >= MIN_WINDOWS).max())
        share = counts / np.maximum(self.windows, 1)
        beyond = np.arange(longest + 1, MAX_STEPS + 1)
        share[beyond] = 1 - (1 - share[longest]) ** (beyond / longest)
        return np.asarray(share, np.float64)


def measure(
    pixels: Pixels,
    t1_ns: Sequence[int],
    acts: Sequence[ActionSlot],
    pointer: Sequence[tuple[int, int]],
    blank: Sequence[bool] = (),
) -> tuple[list[Response], Rest]:
    """Responses to the scored actions of a clip, and its windows at rest.

    Args:
        pixels: what changed between frames, n-1 steps.
        t1_ns: int64 ns, length n.
        acts: the clip's action slots in order.
        pointer: (x, y) px in each frame, -1 for none; windows at rest are also looked at around it.
        blank: for each frame whether it shows nothing on purpose; such steps are never at rest. Empty: none.
    """
    steps = len(t1_ns) - 1
    changed = pixels.totals >= CHANGED_PX
    owner = np.full(steps, -1)
    # What was done just before the clip began is not known: its first half second is neither rest nor response.
    owner[: _window_end(t1_ns, 0)] = -2
    for frame in np.flatnonzero(blank):
        owner[max(frame - 1, 0) : frame + 1] = -2
    responses: list[Response] = []
    for index, act in enumerate(acts):
        if not 0 <= act.slot < steps:
            continue
        following = acts[index + 1].slot if index + 1 < len(acts) else steps
        owner[act.slot : _window_end(t1_ns, act.slot)] = index
        end = min(_window_end(t1_ns, act.slot), following, act.slot + MAX_STEPS, steps)
        if not act.scored:
            continue
        near = None
        if act.click is not None:
            near = bool((pixels.near(*act.click, NEAR_PX, act.slot, end) >= CHANGED_PX).any())
        responses.append(Response(end - act.slot, bool(changed[act.slot : end].any()), near))
    return responses, _rest(pixels, changed, owner == -1, pointer)


def _window_end(t1_ns: Sequence[int], slot: int) -> int:
    """The step after the last one that begins within WINDOW_NS of frame `slot`."""
    return int(np.searchsorted(np.asarray(t1_ns[:-1]), t1_ns[slot] + WINDOW_NS))


def _rest(
    pixels: Pixels, changed: NDArray[np.bool_], quiet: NDArray[np.bool_], pointer: Sequence[tuple[int, int]]
) -> Rest:
    rest, steps = Rest(), len(quiet)
    near = np.zeros((steps, MAX_STEPS), np.bool_)
    for start in np.flatnonzero(quiet).tolist():
        x, y = pointer[start]
        if x >= 0:
            counts = pixels.near(x, y, NEAR_PX, start, start + MAX_STEPS)
            near[start, : len(counts)] = counts >= CHANGED_PX
    whole = np.ones(steps, np.bool_)  # whether the window from each step on is at rest throughout
    seen, seen_near = np.zeros(steps, np.bool_), np.zeros(steps, np.bool_)
    for length in range(1, min(MAX_STEPS, steps) + 1):
        reach = steps - length + 1
        whole[reach:] = False
        whole[:reach] &= quiet[length - 1 :]
        seen[:reach] |= changed[length - 1 :]
        seen_near |= near[:, length - 1]
        rest.windows[length] = whole.sum()
        rest.changed[length] = (whole & seen).sum()
        rest.changed_near[length] = (whole & seen_near).sum()
    return rest


@dataclass(frozen=True)
class Efficacy:
    """A clip's efficacy; None where there is too little to measure."""

    actions_scored: int
    rate: float | None
    baseline: float | None
    source: str | None
    """Whose windows at rest made the baseline: "session" or "arm"."""
    clicks: int
    click_rate: float | None
    click_baseline: float | None


def summarise(responses: Sequence[Response], pools: Sequence[tuple[str, Rest]]) -> Efficacy:
    """Rates of a clip's responses, with a baseline from the first pool that holds enough windows at rest."""
    near = [(r.steps, r.changed_near) for r in responses if r.changed_near is not None]
    source, baseline, click_baseline = None, None, None
    for name, rest in pools:
        if responses and rest.enough:
            chance, chance_near = rest.chance(rest.changed), rest.chance(rest.changed_near)
            source, baseline = name, float(np.mean([chance[r.steps] for r in responses]))
            click_baseline = float(np.mean([chance_near[steps] for steps, _ in near])) if near else None
            break
    return Efficacy(
        actions_scored=len(responses),
        rate=float(np.mean([r.changed for r in responses])) if responses else None,
        baseline=baseline,
        source=source,
        clicks=len(near),
        click_rate=float(np.mean([changed for _, changed in near])) if near else None,
        click_baseline=click_baseline,
    )
