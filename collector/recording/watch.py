"""Watches over a running recording: enough disk, time not up, a machine that slept."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from pathlib import Path

from collector.recording.session import Recording
from manifests.errors import GoaltraceError
from manifests.session import Event

_EVERY_S = 0.5
_SLEEP_NS = 500_000_000
_LOOK_NS = 5_000_000


class Watch(threading.Thread):
    """`reason` says why the recording must end; None while it may go on."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(name="watch", daemon=True)
        self._recording = recording
        self._over = threading.Event()
        self.reason: str | None = None

    def run(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._recording.release()
            self.reason = self.reason or self._out_of_time() or self._out_of_space()

    def stop(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join()
        if self.reason is not None:  # on the full disk itself there may be no room for this line
            self._recording.events.write(Event(t_ns=self._recording.now_ns(), kind="stop", reason=self.reason))

    def _out_of_time(self) -> str | None:
        limit_s = self._recording.spec.max_duration_s
        return f"{limit_s:.0f} s are over" if self._recording.now_ns() > limit_s * 1e9 else None

    def _out_of_space(self) -> str | None:
        floor = self._recording.spec.min_free_bytes
        free = shutil.disk_usage(self._recording.folder.path).free
        if free >= floor:
            return None
        return f"{free / 2**30:.2f} GiB free on the disk of the session, less than the {floor / 2**30:g} GiB to be kept"


class Sleep:
    """Whether the machine was suspended since the last look: CLOCK_BOOTTIME runs on then, CLOCK_MONOTONIC does not."""

    def __init__(self) -> None:
        self._before = self._asleep_ns()

    def event(self, t_ns: int) -> Event | None:
        """The sleep that ended before `t_ns`, if there was one."""
        asleep = self._asleep_ns()
        gap, self._before = asleep - self._before, asleep
        if gap < _SLEEP_NS:
            return None
        return Event(t_ns=t_ns, kind="sleep", reason="the machine was suspended", gap_ns=gap)

    @staticmethod
    def _asleep_ns() -> int:
        if not sys.platform.startswith("linux"):
            return 0
        while True:
            before = time.monotonic_ns()
            boot, after = time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.monotonic_ns()
            if after - before < _LOOK_NS:  # else this thread waited for a core between the clocks
                return boot - before


def require_space(path: Path, floor: int) -> None:
    """Raise `GoaltraceError` when the disk of `path` (which need not exist) has too little room to begin."""
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < floor:
        raise GoaltraceError(
            f"{path}: {free / 2**30:.2f} GiB free, less than the {floor / 2**30:g} GiB to be kept; "
            "free some, choose another --out, or give a lower --min-free"
        )
