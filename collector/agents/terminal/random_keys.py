"""The control arm of a terminal: keys with no goal, as fast as the published random-fast desktop arm."""

from __future__ import annotations

import random
import string

from collector.agents.terminal.base import TerminalAgent
from collector.recording.session import Recording
from collector.shell.home import Home
from collector.shell.pty import Shell
from collector.shell.sandbox import confine, give_up_rights
from collector.shell.typist import Typist

ACTIONS_PER_S = 4.18
"""Rate of the published random-fast arm: Neural Computers, arXiv 2604.06425."""

_PRINTABLE = string.ascii_lowercase * 3 + string.ascii_uppercase + string.digits * 2 + string.punctuation + " " * 12
_EDITING = ("Up", "Down", "Left", "Right", "Tab", "Escape", "Home", "End", "Delete")
_CONTROL = ("ctrl+a", "ctrl+e", "ctrl+k", "ctrl+u", "ctrl+w", "ctrl+l", "ctrl+c", "ctrl+r", "ctrl+d")


class RandomKeys(TerminalAgent):
    """Presses random keys for 15-20 s, or until the episode's end; on someone's own machine in a confined shell."""

    remark = "random keys, no goal"

    def open(self, home: Home, recording: Recording) -> Shell:
        if self.spec.environment != "local":
            return super().open(home, recording)
        return Shell(confine(home), recording, give_up_rights)

    def act(self, shell: Shell, typist: Typist) -> str | None:
        self.look_around(typist)
        _press(typist, self.rng)
        return None


def _press(typist: Typist, rng: random.Random) -> None:
    seconds = typist.seconds_left(rng.uniform(15.0, 20.0))
    with typist.intent("random", None):
        while seconds > 0:
            wait = min(seconds, rng.expovariate(ACTIONS_PER_S))
            seconds -= wait
            typist.sleep(wait)
            typist.press(_draw(rng))
    typist.sleep(0.5)


def _draw(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.72:
        return rng.choice(_PRINTABLE)
    if kind < 0.84:
        return "Return"
    if kind < 0.89:
        return "BackSpace"
    return rng.choice(_EDITING if kind < 0.96 else _CONTROL)
