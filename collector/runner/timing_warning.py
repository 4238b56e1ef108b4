"""Warns the host while a recording cannot keep up, as on a machine that is too busy."""

from __future__ import annotations

from collector.episodes.progress import report_progress
from collector.recording.session import Recording


def report_timing(recording: Recording, before: str) -> str:
    """Report a running recording's timing where that has changed since the last call; what is wrong with it now.

    `before` is what the last call returned; "" means that all is well, and is reported as the end of the warning.
    """
    now = "" if recording.gate.paused else recording.timing.warning(recording.now_ns())
    if bool(now) != bool(before):
        report_progress("warning", text=now)
    return now
