"""The agent that runs a tape as its author wrote it."""

from __future__ import annotations

from collector.agents.terminal.base import TerminalAgent
from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.shell.home import Home
from collector.shell.pty import Shell
from collector.shell.typist import Typist
from collector.tapes.options import options_of
from collector.tapes.player import TapePlayer
from collector.tapes.shells import tape_home
from manifests.errors import GoaltraceError


class TapeAgent(TerminalAgent):
    """Does every command of the episode's tape, in the shell that the tape asks for."""

    def __init__(self, spec: EpisodeSpec) -> None:
        super().__init__(spec)
        if spec.tape is None:
            raise GoaltraceError(f"episode {spec.episode_id}: agent tape has no tape; use: goaltrace import tape")
        self._tape = spec.tape

    def home(self, home: Home) -> Home:
        return tape_home(home, options_of(self._tape.commands), self._tape.commands)

    def open(self, home: Home, recording: Recording) -> Shell:
        self._player = player = TapePlayer(self._tape, recording)  # before the shell: it may begin hidden
        return Shell(
            home,
            recording,
            on_output=player.on_output,
            theme=player.theme,
            filter_output=player.filter_output,
            replace_hidden=player.replace_hidden,
        )

    def act(self, shell: Shell, typist: Typist) -> str | None:
        self._player.run(shell, typist)
        return None
