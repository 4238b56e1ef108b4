"""A password told by what the terminal does, in any language: it is typed at a prompt, and nothing of it is shown."""

from __future__ import annotations

from collector.importers.cast.shadow import Shadow
from collector.importers.cast.typed import Line

_SHELLS = "$#%>❯➜λ"
"""How shells' prompts end: what is typed there is shown, if late."""
_COVERS = " *•●"
_SHORTEST = 4
_BEGIN = 4
"""Characters of a line that are looked for in what came after it."""
Entered = tuple[Line, Line]


class Echo:
    """Follows the lines that are typed, and the output beside them."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._possible = self._heard = False
        self._waiting: Entered | None = None

    def begins(self) -> None:
        """The first key of a line comes now."""
        prompt = self._shadow.plain.join().rstrip()
        self._possible = bool(prompt) and prompt[-1] not in _SHELLS and not self._shadow.alternate
        self._shadow.shown = []

    def output(self) -> None:
        """Output has come."""
        self._heard = True
        if self._waiting is None and self._shown().strip(_COVERS):
            self._possible = False

    def entered(self, sent: Line, meant: Line) -> None:
        """The line is sent: what comes next tells whether it is shown after all."""
        if self._possible and len(meant[0]) >= _SHORTEST:
            self._waiting, self._heard = (sent, meant), False
            self._shadow.shown = []
        self._possible = False

    def secret(self) -> Entered | None:
        """The line that was entered last, if output has come since then and shows nothing of it; asked once."""
        waiting, self._waiting = self._waiting, None
        hidden = waiting and self._heard and waiting[1][0].strip()[:_BEGIN] not in self._shown()
        return waiting if hidden else None

    def _shown(self) -> str:
        return "".join(self._shadow.shown or ())
