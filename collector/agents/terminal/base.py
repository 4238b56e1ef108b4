"""The base class of agents that act in terminals: each overrides what it does differently."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod

from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.shell.home import Home
from collector.shell.pty import Shell
from collector.shell.typist import Typist


class TerminalAgent(ABC):
    """Acts in a shell, by its keys alone."""

    remark = ""
    """What is added to the outcome's detail beside what the check saw."""

    def __init__(self, spec: EpisodeSpec) -> None:
        self.spec = spec
        self.rng = random.Random(f"{spec.task.id}:{spec.agent}:{spec.seed}")

    def home(self, home: Home) -> Home:
        """The home that it acts in, from a fresh one; called before the task's set-up."""
        return home

    def open(self, home: Home, recording: Recording) -> Shell:
        """The shell that it acts in."""
        return Shell(home, recording)

    @abstractmethod
    def act(self, shell: Shell, typist: Typist) -> str | None:
        """Act once the shell has shown its prompt; None, or which step failed. Raises `EpisodeOver`."""

    def look_around(self, typist: Typist) -> None:
        """The moment before the first key."""
        typist.sleep(self.rng.uniform(0.4, 1.0))
