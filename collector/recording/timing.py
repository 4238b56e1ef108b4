"""Whether a desktop's recording kept up: warned of while it runs, judged when it ends and again when it is packed.

On a machine that is too busy frames are not taken and the X server hands out old times late and together. Such a
session reconciles, and yet its frames do not show what its actions did.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from manifests.session import Action, Frame, SessionManifest

BAD = "bad timing: "
"""What reasons of this kind begin with, among the reasons why a session is not valid."""
MOST_DROPPED = 0.2
"""Share of ticks without a frame, 0..1; on two busy cores `goaltrace probe` drops under 0.01."""
FEW_TICKS = 15
"""Fewer dropped ticks than these are never held against a session: the beginning may be slow."""
LONGEST_GAP_S = 3.0
"""The longest time without a frame, seconds."""
TOGETHER_NS, TOGETHER_KEYS = 1_000_000, 3
"""So many keys within so short a time, ns, were not pressed by fingers: their times are the server's delay."""
MOST_TOGETHER = 0.02
"""Share of keys with such times, 0..1."""
RECENT_NS = 10_000_000_000
"""What a warning is about: the last seconds, in ns."""
_SIDES = ("Shift_", "Control_", "Alt_", "Meta_", "Super_", "Hyper_", "ISO_", "Caps_", "Num_", "Scroll_", "Mode_")


class Timing:
    """Fed with what a recording writes, in order, from several threads."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._feeding = threading.Lock()
        self._frames = self._dropped = self._longest = 0
        self._recent: deque[tuple[int, int]] = deque()
        self._last_ns: int | None = None
        self._keys = self._together = self._run = 0
        self._key_ns = -TOGETHER_NS - 1

    def frame(self, t_ns: int, dropped_before: int) -> None:
        """A frame was written, taken at `t_ns`, and so many ticks before it were not."""
        with self._feeding:
            self._frames += 1
            self._dropped += dropped_before
            self._longest = max(self._longest, dropped_before)
            self._recent.append((t_ns, dropped_before))
            self._last_ns = t_ns
            while self._recent[0][0] < t_ns - RECENT_NS:
                self._recent.popleft()

    def action(self, action: Action) -> None:
        """An input event was written."""
        if action.kind != "key_down" or action.repeat or not action.key or action.key.startswith(_SIDES):
            return  # a VNC server presses modifiers of its own together with a key
        with self._feeding:
            self._keys += 1
            self._run = self._run + 1 if action.t_ns - self._key_ns <= TOGETHER_NS else 1
            self._key_ns = action.t_ns
            if self._run >= TOGETHER_KEYS:
                self._together += TOGETHER_KEYS if self._run == TOGETHER_KEYS else 1

    def paused(self) -> None:
        """Nothing is to be recorded for a while: what was before is no longer recent."""
        with self._feeding:
            self._recent.clear()
            self._last_ns = None

    def warning(self, now_ns: int) -> str:
        """What is wrong at this moment, in words for a person; "" where all is well."""
        with self._feeding:
            taken, dropped = len(self._recent), sum(dropped for _, dropped in self._recent)
            silent_s = 0.0 if self._last_ns is None else (now_ns - self._last_ns) / 1e9
        if silent_s > LONGEST_GAP_S:
            return (
                f"the machine is too busy: no picture for {silent_s:.0f} s; close other programs, or record again later"
            )
        if dropped >= FEW_TICKS and dropped > MOST_DROPPED * (taken + dropped):
            return (
                f"the machine is too busy: {dropped} of the last {taken + dropped} pictures were not taken; close "
                "other programs, or record again later"
            )
        return ""

    def reasons(self) -> list[str]:
        """Why the whole recording must not be trusted; empty for one that kept up."""
        found = []
        ticks, gap_s = self._frames + self._dropped, (self._longest + 1) / self._fps
        if self._dropped >= FEW_TICKS and self._dropped > MOST_DROPPED * ticks:
            share, fair = self._dropped / ticks, f"at most {MOST_DROPPED:.0%} is fair"
            found.append(f"{self._dropped:,} of {ticks:,} ticks dropped ({share:.0%}, {fair})")
        if self._frames and gap_s > LONGEST_GAP_S:
            found.append(f"no frame for {gap_s:.1f} s (at most {LONGEST_GAP_S:g} s is fair)")
        if self._together > max(TOGETHER_KEYS - 1, MOST_TOGETHER * self._keys):
            late = "the times are not the fingers'"
            found.append(f"{self._together:,} of {self._keys:,} keys within a millisecond of others: {late}")
        return [BAD + reason for reason in found]


def timing_reasons(manifest: SessionManifest, frames: Iterable[Frame], actions: Iterable[Action]) -> list[str]:
    """The same of a session on disk, whenever it was recorded, as far as a review kept it.

    Imports and terminals have no ticks to miss.
    """
    if manifest.kind != "desktop" or manifest.environment == "import":
        return []
    first_ns, last_ns = manifest.keep_ns or (0, 2**62)
    timing = Timing(manifest.fps)
    kept = [frame for frame in frames if first_ns <= frame.t0_ns and frame.t1_ns <= last_ns]
    for number, frame in enumerate(kept):
        timing.frame(frame.t1_ns, frame.dropped_before if number or not manifest.keep_ns else 0)
    for action in actions:
        if first_ns <= action.t_ns <= last_ns:
            timing.action(action)
    return timing.reasons()


def in_words(reason: str) -> str:
    """A reason why a session is not valid, as it is shown: where it is not bad timing, counts do not reconcile."""
    return reason if reason.startswith(BAD) else f"does not reconcile: {reason}"
