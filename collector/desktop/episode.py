"""One desktop episode: set up, record while the agent acts, check, close. Runs beside the X server."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from collector.checks import check_task
from collector.desktop.act import GAVE_UP
from collector.desktop.capture import Capture
from collector.desktop.input_log import InputLog
from collector.episode import EpisodeSpec, say
from collector.recording import Recording
from collector.setup import set_up
from manifests.session import Outcome, SessionManifest

LEAD_S, TAIL_S = 0.6, 1.2
"""Recorded before the first and after the last action, so that a cause has its effect in the same session."""


def run_episode(spec: EpisodeSpec, folder: Path) -> SessionManifest:
    """Record one episode of $DISPLAY into `folder`; the finished manifest, whatever the outcome."""
    display = os.environ.get("DISPLAY", "")
    home = Path.home()
    set_up(spec.task, home, os.environ)
    versions = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("mss", "pynput", "python-xlib")},
    }
    with Recording(
        folder, spec, clock="xserver", width=spec.width, height=spec.height, cursor_in_pixels=True, versions=versions
    ) as recording:
        inputs = InputLog(recording, display)
        capture = Capture(recording, display, spec.fps)
        inputs.start()
        capture.start()
        try:
            capture.started.wait(10)
            time.sleep(LEAD_S)
            problem = _act(spec, recording, capture)
            time.sleep(TAIL_S)
        finally:
            capture.stop()
            inputs.stop()
        if capture.error is not None:
            raise capture.error
        outcome, detail = _judge(spec, home, problem)
        recording.end(outcome, detail, dropped=capture.dropped, invalid=inputs.problems)
    return recording.manifest


def _act(spec: EpisodeSpec, recording: Recording, capture: Capture) -> str | None:
    """Let the agent act in its own process; why it did not finish, or None."""
    with tempfile.TemporaryDirectory() as scratch:
        spec_path = Path(scratch) / "spec.json"
        spec_path.write_text(spec.model_dump_json())
        origin = recording.manifest.clock.origin_monotonic_ns
        command = [
            sys.executable,
            "-m",
            "collector.desktop.act",
            str(spec_path),
            str(recording.folder.path),
            str(origin),
        ]
        agent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + spec.max_duration_s
        try:
            while agent.poll() is None:
                if time.monotonic() > deadline:
                    return f"not done after {spec.max_duration_s:.0f} s"
                if capture.error is not None:
                    return f"capture failed: {capture.error}"
                say("time", seconds=round(recording.now_ns() / 1e9, 1))
                time.sleep(0.5)
        finally:
            if agent.poll() is None:
                agent.terminate()
            _, errors = agent.communicate()
    if agent.returncode == 0:
        return None
    last = (errors.strip().splitlines() or [f"agent exited {agent.returncode}"])[-1]
    return last if agent.returncode == GAVE_UP else f"the agent broke: {last}"


def _judge(spec: EpisodeSpec, home: Path, problem: str | None) -> tuple[Outcome, str]:
    if problem is not None:
        return "aborted", problem
    return check_task(spec.task, home, dict(os.environ))
