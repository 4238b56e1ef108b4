"""Makes a cast's times, which are not trusted, into a clock that only runs forward; what was changed is counted."""

from __future__ import annotations

import math

from collector.importers.cast.source import Unusable

LONGEST_GAP_S = 3600.0
LONGEST_S = 24 * 3600


class Times:
    """Turns event times (intervals, or seconds since the start) into ns of one clock."""

    def __init__(self, idle_limit: float | None, *, relative: bool) -> None:
        self._idle = min(idle_limit if idle_limit is not None else math.inf, LONGEST_GAP_S)
        self._limit, self._relative = idle_limit, relative
        self._last = 0
        self._us = 0
        self.backwards = self.meaningless = self.capped = 0
        self.removed_s = 0.0

    def next(self, seconds: float, where: str) -> int:
        """The event's time in ns; `Unusable` when the session would be longer than a day."""
        if math.isnan(seconds):
            self.meaningless += 1
            return self._us * 1000
        moment = round(max(-1e12, min(seconds, 1e12)) * 10**6)
        gap = moment if self._relative else moment - self._last
        if gap >= 0 or gap < -LONGEST_GAP_S * 10**6:  # so far back is the return from a time that was absurd
            self._last = moment
        if gap < 0:
            self.backwards += 1
            gap = 0
        if gap > self._idle * 10**6:
            self.capped += 1
            kept = round(self._idle * 10**6)
            self.removed_s += (gap - kept) / 10**6
            gap = kept
        self._us += gap
        if self._us > LONGEST_S * 10**6:
            raise Unusable(f"{where}: the session is longer than 24 hours; cap pauses with --idle-limit")
        return self._us * 1000

    def reasons(self) -> list[str]:
        """What was changed, for the manifest's clock."""
        found = []
        if self.capped:
            found.append(
                f"{self.capped} pauses were cut to {self._idle:g} s; {self.removed_s:.1f} s are missing in all"
            )
        if self.backwards:
            found.append(f"{self.backwards} times ran backwards and were set to the time before")
        if self.meaningless:
            found.append(f"{self.meaningless} times were no finite numbers and were set to the time before")
        return found
