"""Commands of the person, or of the host on their behalf, to a running recorder: JSON lines on its standard input."""

from __future__ import annotations

import json
import sys
import threading
from typing import TextIO

from collector.recording.session import Recording

ENDS = ("done", "give-up", "discard", "stop")
_LONGEST = 10_000


class Controls:
    """Obeys {"do": "pause" | "resume" | "toggle" | "hide" | "show" | one of `ENDS`, "reason": "page"}.

    `end` is set by a command that ends the recording; standard input that closes ends it as "stop", because then
    nobody is there who could pause or see it any more.
    """

    def __init__(self, recording: Recording, source: TextIO = sys.stdin) -> None:
        self._recording = recording
        self._source = source
        self._ended = threading.Event()
        self.end: str | None = None
        self.reason = ""
        self._thread = threading.Thread(target=self._read, name="controls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """True as soon as the recording is to end."""
        return self._ended.wait(seconds)

    def finish(self, end: str, reason: str) -> None:
        """End the recording; the first to say so decides."""
        if self.end is None:
            self.end, self.reason = end, reason
            self._ended.set()

    def _read(self) -> None:
        while line := self._source.readline(_LONGEST):
            try:
                command = json.loads(line)
                do, reason = str(command["do"]), str(command.get("reason", ""))[:200]
            except (ValueError, TypeError, KeyError, AttributeError):
                print(f"not a command: {line.strip()[:100]!r}", file=sys.stderr)
                continue
            if do in ENDS:
                self.finish(do, reason)
                return
            self._change(do, reason)
        self.finish("stop", "whoever was recording has gone")

    def _change(self, do: str, reason: str) -> None:
        gate, now_ns = self._recording.gate, self._recording.now_ns()
        if do == "pause":
            gate.pause(now_ns, reason)
        elif do == "resume":
            gate.resume(now_ns, reason)
        elif do == "toggle":
            gate.toggle_pause(now_ns, reason)
        elif do == "hide":
            gate.hide(now_ns, reason)
        elif do == "show":
            gate.show(now_ns, reason)
        else:
            print(f"not a command: {do[:100]!r}", file=sys.stderr)
