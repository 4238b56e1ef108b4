"""A person's own screen as the environment: the recorder is a process of its own, which is sent commands as lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from collector.episodes.spec import EpisodeSpec
from collector.processes import end_by_closing_stdin
from manifests.errors import GoaltraceError

END_S = 30
"""How long a recorder may take to write the last pictures."""


class DisplayRecorder:
    """One recording of `spec.display` (None: this machine's only screen) into `folder`.

    Used as a context manager; the recorder ends with us in any case, because its standard input closes then.
    """

    def __init__(self, spec: EpisodeSpec, folder: Path) -> None:
        self._spec = spec
        self._folder = folder

    def __enter__(self) -> DisplayRecorder:
        self._scratch = tempfile.TemporaryDirectory(prefix="goaltrace-")
        path = Path(self._scratch.name) / "spec.json"
        path.write_text(self._spec.model_dump_json(), encoding="utf-8")
        environment = dict(os.environ)
        if self._spec.display is not None:
            environment["DISPLAY"] = self._spec.display
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # a pipe would fill up
        # a session of its own: Ctrl-C reaches us, and we end the recorder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "collector.runner", str(path), str(self._folder)], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True, start_new_session=True,
        )  # fmt: skip
        return self

    def send(self, do: str, reason: str = "terminal") -> None:
        """Send the recorder a command (see `collector.recording.controls`); without effect once it has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, "reason": reason}) + "\n")
            self._process.stdin.flush()
        except OSError:
            pass

    def events(self) -> Iterator[dict[str, Any]]:
        """The recorder's progress until it has ended. `GoaltraceError` with its last line of errors when it broke."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield json.loads(line)
        status = self._process.wait()
        if status not in (0, 130):
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines()
            raise GoaltraceError(lines[-1][:300] if lines else f"the recorder ended with status {status}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end_by_closing_stdin(self._process, END_S)
        self._errors.close()
        self._scratch.cleanup()
