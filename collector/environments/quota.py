"""Ends a container from outside when it writes more than a session may, or leaves the disk too little.

The recorder inside looks after the disk too, and ends its session well. But what runs beside it may stop it from doing
so, and nothing that runs in the container can stop this.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from collector.environments.collect_files import QUOTA_BYTES, usage

_EVERY_S = 1.0
_MOST_FILES = 1000


class Quota(threading.Thread):
    """Looks at a session's folder while its container runs; `reason` says why it was ended, if it was."""

    def __init__(
        self, folder: Path, floor_bytes: int, end: Callable[[], object], quota: int = QUOTA_BYTES,
        also: Path | None = None,
    ) -> None:  # fmt: skip
        """`also`: another disk that must keep `floor_bytes` / 2 free: Docker's, where the container's own files lie."""
        super().__init__(name="quota", daemon=True)
        self._folder, self._floor, self._end, self._quota = folder, floor_bytes // 2, end, quota
        self._disks = [folder, *([also] if also is not None and also.is_dir() else [])]
        self._over = threading.Event()
        self.reason: str | None = None

    def run(self) -> None:
        while not self._over.wait(_EVERY_S):
            self.reason = self.look()
            if self.reason is not None:
                self._end()
                return

    def look(self) -> str | None:
        """Why the container must end now."""
        size, count = usage(self._folder, _MOST_FILES)
        if size > self._quota:
            return f"it wrote more than {self._quota / 2**30:g} GiB into its session"
        if count > _MOST_FILES:
            return f"it made more than {_MOST_FILES} files in its session"
        for disk in self._disks:
            try:
                free = shutil.disk_usage(disk).free
            except OSError:
                continue
            if free < self._floor:
                return f"only {free / 2**30:.2f} GiB are left on the disk of {disk}"
        return None

    def stop(self) -> None:
        self._over.set()
        self.join()
