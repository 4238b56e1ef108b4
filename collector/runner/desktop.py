"""One desktop episode: set up, record while an agent or a person acts, check, close. Runs beside the screen."""

from __future__ import annotations

import os
import platform
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from collector.containers.system import image_versions
from collector.desktop.capture import Capture
from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.recording.watch import Watch, require_space
from collector.runner.checks import check_task
from collector.runner.setup import set_up
from manifests.errors import GoaltraceError
from manifests.session import Outcome, SessionManifest

LEAD_S, TAIL_S = 0.6, 1.2
"""Recorded before the first and after the last action, so that a cause has its effect in the same session."""


class Inputs(Protocol):
    """Where input events come from."""

    problems: list[str]
    lags: list[int]

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Actor(Protocol):
    """Who acts while the recording runs."""

    def act(self, recording: Recording, capture: Capture, watch: Watch) -> tuple[Outcome, str] | None:
        """Returns when the episode is over: with its outcome, or None if the task's check is to decide it.

        May be a `Discarded`, which ends the episode without a session.
        """
        ...


class Discarded(Exception):
    """The recording is to be thrown away."""


def run_episode(spec: EpisodeSpec, folder: Path) -> SessionManifest | None:
    """Record one episode of the screen into `folder`; its manifest, whatever the outcome; None: thrown away."""
    display = spec.display or os.environ.get("DISPLAY")
    home = Path.home()
    folder.mkdir(parents=True, exist_ok=True)
    require_space(folder, spec.min_free_bytes)
    set_up(spec.task, home, os.environ)
    callback = spec.inputs == "callback" or not sys.platform.startswith("linux")
    with Recording(
        folder, spec, clock="callback" if callback else "xserver", width=spec.width, height=spec.height,
        cursor_in_pixels=sys.platform.startswith("linux"), versions=_versions(),
    ) as recording:  # fmt: skip
        capture = Capture(recording, display, spec.fps)
        watch = Watch(recording)
        try:
            inputs = _record(recording, capture, watch, display, callback)
        except Discarded:
            recording.discard()
            return None
        if capture.error is not None:
            raise capture.error
        outcome, detail = recording.outcome or check_task(spec.task, home, dict(os.environ))
        recording.end(outcome, detail, capture.dropped, inputs.problems, inputs.lags)
    return recording.manifest


def _record(recording: Recording, capture: Capture, watch: Watch, display: str | None, callback: bool) -> Inputs:
    """Record until the actor has ended; the input log, closed."""
    inputs: Inputs | None = None
    with _actor(recording) as actor:  # a person's mark is on the screen before the first frame and after the last
        capture.start()
        try:
            capture.started.wait(10)
            if capture.error is None:
                inputs = _inputs(recording, display, callback)
                inputs.start()
                watch.start()
                time.sleep(LEAD_S)
                recording.outcome = actor.act(recording, capture, watch)
                if not recording.spec.by_person:  # who says "done" is no longer recorded
                    time.sleep(TAIL_S)
        finally:
            watch.stop()
            capture.stop()
            if inputs is not None:
                inputs.stop()
    if inputs is None:
        raise capture.error or GoaltraceError("no frame could be taken within 10 s")
    return inputs


def _actor(recording: Recording) -> AbstractContextManager[Actor]:
    if recording.spec.by_person:
        from collector.runner.person import Person

        return Person(recording)
    from collector.runner.agent import AgentProcess

    return nullcontext(AgentProcess())


def _inputs(recording: Recording, display: str | None, callback: bool) -> Inputs:
    if callback:
        from collector.desktop.callback_input import CallbackInput, clock_reasons

        recording.distrust(clock_reasons())
        return CallbackInput(recording, display)
    from collector.desktop.input_log import InputLog

    return InputLog(recording, display)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("mss", "pynput", "python-xlib"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | image_versions("desktop")
