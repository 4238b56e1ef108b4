"""Clips whose video does not decode: left out by name and counted, and never the end of a run by themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress, ignore


class BadVideo(GoaltraceError):
    """A clip's video cannot be decoded where it was needed; `clip` is its id."""

    def __init__(self, clip: str, reason: object) -> None:
        super().__init__(f"clip {clip}: {reason}")
        self.clip = clip


class LeftOutClips:
    """The clips that were left out so far; safe in any thread. A data set of which most is bad ends the run."""

    def __init__(self, on_progress: OnProgress = ignore) -> None:
        self._on_progress = on_progress
        self._clips: set[str] = set()
        self._lock = threading.Lock()
        self.of = 0
        """How many clips there are; 0 while that is unknown."""

    def __len__(self) -> int:
        return len(self._clips)

    def add(self, bad: BadVideo) -> None:
        """Report a clip once. Raises `GoaltraceError` when that is more than half of them."""
        with self._lock:
            if bad.clip in self._clips:
                return
            self._clips.add(bad.clip)
            count = len(self._clips)
        self._on_progress(Progress("decoding", unit="clip", message=f"warning: left out: {bad}"))
        if self.of and 2 * count > self.of:
            raise GoaltraceError(
                f"the videos of {count} of {self.of} clips cannot be decoded (the last: {bad}); "
                "copy the data set again, or pack its sessions again"
            ) from None

    @contextmanager
    def skipping(self) -> Iterator[None]:
        """What is inside ends early when a video is bad."""
        try:
            yield
        except BadVideo as bad:
            self.add(bad)
