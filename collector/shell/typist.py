"""Keys and waiting in a shell, within the episode's time, whoever decides what is pressed."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager

from collector.episodes.endings import EpisodeOver, StepFailed
from collector.recording.session import Recording
from collector.recording.watch import Watch
from collector.shell.pty import Shell
from manifests.session import Intent

STEP_LIMIT_S = 20.0
"""How long a step waits for what it is to see."""


class Typist:
    """Keys and waiting, within the episode's time; counts what it sends for the reconciliation."""

    def __init__(self, shell: Shell, recording: Recording, watch: Watch) -> None:
        self._shell, self._recording, self._watch = shell, recording, watch
        self._sent = 0
        self._intents = 0

    @contextmanager
    def intent(self, verb: str, goal: str | None) -> Iterator[None]:
        """Log what is meant by the keys pressed inside; also when it fails."""
        start, self._sent, ok, note = self._recording.now_ns(), 0, False, None
        try:
            yield
            ok = True
        except StepFailed as failure:
            note = str(failure)
            raise
        finally:
            self._recording.intents.write(
                Intent(
                    seq=self._intents, t_ns=start, t_end_ns=self._recording.now_ns(), verb=verb, goal=goal,
                    sent={"key": self._sent} if self._sent else {}, ok=ok, note=note,
                )
            )  # fmt: skip
            self._intents += 1

    def press(self, key: str) -> None:
        self._check()
        try:
            self._shell.press(key)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise EpisodeOver(self._shell.problem) from error
        self._sent += 1

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, 0.25))

    def seconds_left(self, at_most: float) -> float:
        """Seconds until the episode's end, and no more than `at_most`."""
        until = self._recording.spec.max_duration_s - self._recording.now_ns() / 1e9
        return max(0.0, min(at_most, until))

    def require_time(self) -> None:
        if self.seconds_left(1) == 0:
            raise EpisodeOver("the episode's time is up")

    def _check(self) -> None:
        self.require_time()
        if self._watch.reason is not None:
            raise EpisodeOver(f"stopped: {self._watch.reason}")
        if not self._shell.alive:
            raise EpisodeOver(self._shell.problem)

    @property
    def over(self) -> bool:
        """Whether time or shell ran out while waiting."""
        return self.seconds_left(1) == 0 or self._watch.reason is not None or not self._shell.alive
