"""This machine as the environment: terminals only, each in a process of its own with a home of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collector.environments.base import STOPPED
from collector.episodes.spec import EpisodeSpec
from manifests.errors import GoaltraceError


class LocalEnvironment:
    """Records terminal episodes on the host."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def prepare(self, kinds: set[str]) -> None:
        """Raise `GoaltraceError` for kinds that need a container."""
        if "desktop" in kinds:
            raise GoaltraceError("--env local records terminals only; use --env docker for desktop tasks")

    def describe(self, spec: EpisodeSpec) -> EpisodeSpec:
        return spec

    def run(self, spec: EpisodeSpec, folder: Path, report: Callable[[dict[str, Any]], None]) -> int:
        """Record `spec` into `folder`; the recorder's exit status."""
        with tempfile.TemporaryDirectory(prefix="goaltrace-") as scratch:
            spec_path = Path(scratch) / "spec.json"
            spec_path.write_text(spec.model_dump_json(), encoding="utf-8")
            with self._lock:  # so that none begins that stop_all does not know
                if self._stopped:
                    raise GoaltraceError(f"episode {spec.episode_id}: {STOPPED}")
                # a session of its own: Ctrl-C reaches us, and we end the recorder
                process = subprocess.Popen(
                    [sys.executable, "-m", "collector.runner", str(spec_path), str(folder)],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                    start_new_session=True,
                )  # fmt: skip
                self._running.add(process)
            try:
                assert process.stdout is not None and process.stderr is not None
                for line in process.stdout:
                    report(json.loads(line))
                errors = process.stderr.read().strip().splitlines()
                status = process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)
        if status not in (0, 130):
            reason = errors[-1][:300] if errors else "no message"
            raise GoaltraceError(f"episode {spec.episode_id}: the recorder ended with status {status}: {reason}")
        return status

    def stop_all(self) -> None:
        """Ask every recorder to end its session; no other begins."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.send_signal(signal.SIGTERM)

    def remove_all(self) -> None:
        """End what did not end by itself."""
        with self._lock:
            for process in self._running:
                process.kill()
