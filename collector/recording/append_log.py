"""A log of JSON lines that survives its writer."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel

from collector.recording.live import lock_log


class AppendLog:
    """A JSON-lines log that is on disk after every batch, so that kill -9 loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        self._out: TextIO = path.open("a", encoding="utf-8")
        lock_log(self._out)  # `goaltrace sessions` must not take a paused recording for a killed one
        self._writing = threading.Lock()
        self.count = 0

    def write(self, *records: BaseModel) -> None:
        lines = "".join(record.model_dump_json(exclude_none=True) + "\n" for record in records)
        with self._writing:
            self._out.write(lines)
            self._out.flush()
            self.count += len(records)

    def close(self) -> None:
        self._out.close()
