"""A recording that cannot keep up says so while it runs."""

from __future__ import annotations

from collector.episodes.say import say
from collector.recording.session import Recording


def warn(recording: Recording, before: str) -> str:
    """Say what is wrong with a running recording's timing, when that begins and when it is over; what is wrong now."""
    now = "" if recording.gate.paused else recording.timing.warning(recording.now_ns())
    if bool(now) != bool(before):
        say("warning", text=now)
    return now
