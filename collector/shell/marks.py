"""A shell's marks in its output (OSC 133: where prompts, commands and results begin and end), and its plain text.

The marks are put there by the start-up file in `collector.shell.home`; they are in the cast too, so that
commands, outputs and results can be separated later.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

# A complete control sequence: OSC (ended by BEL or ST), CSI, DCS and friends, then two-character escapes;
# last, what breaks off because something else begins.
_CONTROL = re.compile(
    r"\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    r"|\x1b[]PX^_][^\x1b]*(?=\x1b[^\\])"
    r"|\x1b\[?[ -?]*(?=[^ -~])"
)
_PENDING_LIMIT = 4096
_TEXT_LIMIT = 200_000


class Marks:
    """Follows a terminal's output, chunk by chunk; safe to read from another thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending = ""
        self._text = ""
        self._dropped = 0
        self._prompts = 0
        self._ready = False
        self._ended = False
        self.exit_codes: list[int] = []

    def feed(self, chunk: str) -> None:
        """Take in output as decoded text; a sequence split across chunks is put together."""
        with self._changed:
            data = self._pending + chunk
            plain: list[str] = []
            position = 0
            while (start := data.find("\x1b", position)) >= 0:
                plain.append(data[position:start])
                match = _CONTROL.match(data, start)
                if match is None:
                    if len(data) - start <= _PENDING_LIMIT:
                        break
                    position = start + 1  # no sequence is that long: an escape that means nothing
                    continue
                if match["osc"] and match["osc"].startswith("133;"):
                    self._mark(match["osc"].split(";")[1:])
                position = match.end()
            if start < 0:
                plain.append(data[position:])
                self._pending = ""
            else:
                self._pending = data[start:]
            self._text += "".join(plain)
            excess = len(self._text) - _TEXT_LIMIT
            if excess > 0:
                self._text, self._dropped = self._text[excess:], self._dropped + excess
            self._changed.notify_all()

    def end(self) -> None:
        """There will be no more output: the shell is gone."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _mark(self, parts: list[str]) -> None:
        if parts[0] == "A":
            self._prompts += 1
        elif parts[0] == "B":
            self._ready = True
        elif parts[0] == "C":
            self._ready = False
        elif parts[0] == "D" and len(parts) > 1 and parts[1].isdecimal():
            self.exit_codes.append(int(parts[1]))

    @property
    def ended(self) -> bool:
        return self._ended

    @property
    def prompts(self) -> int:
        """How many prompts the shell has begun to show."""
        return self._prompts

    @property
    def length(self) -> int:
        """Characters of plain text so far."""
        with self._changed:
            return self._dropped + len(self._text)

    def wait_prompt(self, after: int, seconds: float) -> bool:
        """Wait until more than `after` prompts have come and the last is ready for input; False when it did not."""
        return self._wait(lambda: self._prompts > after and self._ready, seconds)

    def wait_text(self, text: str, start: int, seconds: float) -> bool:
        """Wait until `text` is in the output after its first `start` characters; False when it did not come."""
        return self._wait(lambda: text in self._text[max(0, start - self._dropped) :], seconds)

    def _wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: holds() or self._ended, seconds)
            return holds()
