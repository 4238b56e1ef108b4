"""An agent's part of an episode: it acts in a process of its own, because acting must never delay recording."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collector.agents.act import GAVE_UP
from collector.desktop.capture import Capture
from collector.episodes.progress import report_progress
from collector.recording.session import Recording
from collector.recording.watch import Watch
from collector.runner.timing_warning import report_timing
from manifests.session import Outcome


class AgentProcess:
    """Runs `collector.agents.act` until it is done, time or disk is, or capture has failed."""

    def act(self, recording: Recording, capture: Capture, watch: Watch) -> tuple[Outcome, str] | None:
        with tempfile.TemporaryDirectory() as scratch:
            spec_path = Path(scratch) / "spec.json"
            spec_path.write_text(recording.spec.model_dump_json(), encoding="utf-8")
            origin = recording.manifest.clock.origin_monotonic_ns
            command = [
                sys.executable, "-m", "collector.agents.act", str(spec_path), str(recording.folder.path), str(origin),
            ]  # fmt: skip
            agent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace")
            try:
                problem = self._wait(agent, recording, capture, watch)
            finally:
                if agent.poll() is None:
                    agent.terminate()
                _, errors = agent.communicate()
        if problem is not None:
            return "aborted", problem
        if agent.returncode == 0:
            return None
        last = (errors.strip().splitlines() or [f"agent exited {agent.returncode}"])[-1]
        return "aborted", last if agent.returncode == GAVE_UP else f"the agent broke: {last}"

    @staticmethod
    def _wait(agent: subprocess.Popen[str], recording: Recording, capture: Capture, watch: Watch) -> str | None:
        """Wait for the agent's end; why it had to be stopped before, or None."""
        warning = ""
        while agent.poll() is None:
            if capture.error is not None:
                return f"capture failed: {capture.error}"
            if watch.reason is not None:
                return f"stopped: {watch.reason}"
            warning = report_timing(recording, warning)
            report_progress("time", seconds=round(recording.now_ns() / 1e9, 1))
            time.sleep(0.5)
        return None
