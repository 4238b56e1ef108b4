"""Recognises a password in any language by its missing echo: it is typed at a prompt, and nothing of it is shown."""

from __future__ import annotations

from collector.importers.cast.typed import Entered
from manifests.secrets import asks

_COVERS = " *•●\x1e\n"
_SHORTEST = 4
_BEGIN = 4
"""Characters of a line that are looked for in what came after it."""
_SHOWN_MOST = 4096


class Echo:
    """Follows the lines that are typed and the output beside them, to find lines that were not echoed."""

    def __init__(self) -> None:
        self._possible = self._output_came = False
        self._waiting: Entered | None = None
        self._shown = ""

    def begins(self, prompt: str, full_screen: bool) -> None:
        """The first key of a line comes now, after `prompt`."""
        self._possible = asks(prompt) and not full_screen  # what is typed at a shell's own prompt is shown, if late
        self._shown = ""

    def output(self, text: str) -> None:
        """Output has come."""
        self._output_came = True
        if len(self._shown) < _SHOWN_MOST:
            self._shown += text[:_SHOWN_MOST]
        if self._waiting is None and self._shown.strip(_COVERS):
            self._possible = False

    def shows(self, value: str) -> bool:
        """Whether what was typed of this line came back on the screen."""
        return value.strip()[:_BEGIN] in self._shown

    def entered(self, line: Entered) -> None:
        """The line is sent: the output that comes next decides whether it is shown after all."""
        meant = line.meant
        if self._possible and len(meant) >= _SHORTEST and len(set(meant)) > 1:
            self._waiting, self._output_came = line, False
            self._shown = ""
        self._possible = False

    def secret(self) -> Entered | None:
        """The line that was entered last, if output has come since then and shows nothing of it; asked once."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or not self._output_came:
            return None
        first, ended, _ = self._shown.partition("\n")
        if ended and not first.strip(_COVERS):  # what comes back late comes before the line ends
            return waiting
        return None if self.shows(waiting.meant) else waiting
