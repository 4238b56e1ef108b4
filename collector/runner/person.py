"""A person's part of an episode: commands from outside, a mark on their own screen, password fields watched for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from collector.desktop.capture import Capture
from collector.episodes.progress import report_progress
from collector.processes import end_by_closing_stdin
from collector.recording.controls import Controls
from collector.recording.session import Recording
from collector.recording.watch import Watch
from collector.runner.desktop import Discarded
from collector.runner.timing_warning import report_timing
from manifests.errors import GoaltraceError
from manifests.session import Outcome

PASSWORD_FIELD = "password field"
_MARK_S = 20


class Person:
    """Records until the person ends it, their time is over or the disk is full."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._controls = Controls(recording)
        self._companions: list[Companion] = []
        self._marked = threading.Event()

    def __enter__(self) -> Person:
        """The mark is on the screen, and password fields are watched for. `GoaltraceError` without a mark."""
        spec = self._recording.spec
        self._companions.append(Companion("collector.human.password_watch", [], self._focus))
        if spec.environment == "display":
            display = ["--display", spec.display] if spec.display else []
            self._companions.append(Companion("collector.human.mark", display, self._mark))
            self._marked.wait(_MARK_S)
            if not self._marked.is_set() or self._controls.end:
                self._close()
                why = self._controls.reason or f"it did not answer for {_MARK_S} s"
                raise GoaltraceError(f"nobody is recorded without the mark on the screen: {why}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def act(self, recording: Recording, capture: Capture, watch: Watch) -> tuple[Outcome, str] | None:
        controls = self._controls
        controls.start()
        report_progress("recording")
        view = warning = ""
        while not controls.wait(0.1):
            if capture.error is not None:
                return "aborted", f"capture failed: {capture.error}"
            if watch.reason is not None:
                return "unverified", f"stopped: {watch.reason}"
            if recording.view != view:
                view = recording.view
                report_progress("state", view=view)
                for companion in self._companions:
                    companion.send(view)
            warning = report_timing(recording, warning)
            report_progress("time", seconds=round(recording.now_ns() / 1e9, 1))
        return _outcome(controls.end, controls.reason)

    def _close(self) -> None:
        for companion in self._companions:
            companion.close()

    def _focus(self, message: dict[str, Any]) -> None:
        """A password field got or lost the focus, some time before the message came."""
        recording = self._recording
        if "error" in message:
            note = f"password fields are not recognised: {message['error']}"
            recording.note(note)
            report_progress("note", text=note)
        elif message.get("focus"):
            recording.gate.hide(recording.now_ns() - recording.gate.hold_ns, PASSWORD_FIELD)
        else:
            recording.gate.show(recording.now_ns(), PASSWORD_FIELD)

    def _mark(self, message: dict[str, Any]) -> None:
        if "error" in message:
            self._controls.finish("stop", f"the recording mark: {message['error']}")
        elif "box" in message:
            self._recording.note(f"the recording mark is in the pixels at {message['box']}")
        self._marked.set()


def _outcome(end: str | None, reason: str) -> tuple[Outcome, str] | None:
    if end == "discard":
        raise Discarded
    if end == "give-up":
        return "failure", "the person gave up" + (f": {reason}" if reason else "")
    if end == "stop":
        return "aborted", reason or "stopped"
    return None


class Companion:
    """A helper process that ends with this one: it reads states, one word a line, and writes messages as JSON lines.

    `on_message` is called with each of them, in a thread of its own, and with an error when the process ends early.
    """

    def __init__(self, module: str, arguments: list[str], on_message: Callable[[dict[str, Any]], None]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._on_message = on_message
        self._closing = False
        self._thread = threading.Thread(target=self._read, name=module, daemon=True)
        self._thread.start()

    def send(self, word: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it has ended, and has said why

    def close(self) -> None:
        self._closing = True
        end_by_closing_stdin(self._process, 2)
        self._thread.join(2)

    def _read(self) -> None:
        assert self._process.stdout is not None
        message: Any = None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict):
                self._on_message(message)
        if not self._closing and not (isinstance(message, dict) and "error" in message):
            self._on_message({"error": "it has ended"})
