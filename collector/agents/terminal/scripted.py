"""The scripted typist: follows a task's steps as a person would, reading what comes back before going on."""

from __future__ import annotations

import random

from collector.agents.terminal.base import TerminalAgent
from collector.agents.typing import TypingModel, type_text
from collector.episodes.endings import StepFailed
from collector.episodes.progress import report_progress
from collector.shell.pty import Shell
from collector.shell.typist import STEP_LIMIT_S, Typist
from manifests.task import Step

_READING = 300.0  # characters a second: output is skimmed, not read
_ENTER = ("Return", "ctrl+m", "ctrl+j")


class ScriptedTypist(TerminalAgent):
    """Carries out a terminal task's steps with human typing and thinking."""

    def act(self, shell: Shell, typist: Typist) -> str | None:
        self.look_around(typist)
        return _Script(shell, typist, self.rng).run(self.spec.task.script)


class _Script:
    """One run of a script."""

    def __init__(self, shell: Shell, typist: Typist, rng: random.Random) -> None:
        self._shell, self._typist, self._rng = shell, typist, rng
        self._model = TypingModel.drawn(rng)
        self._prompts_at_enter = 0
        self._text_at_enter = 0

    def run(self, steps: list[Step]) -> str | None:
        """Do every step; None, or which step failed and why. Raises `EpisodeOver` when the episode cannot go on."""
        goal: str | None = None
        for number, step in enumerate(steps, start=1):
            goal = step.say or goal  # a sub-goal holds until the next one is named
            report_progress("step", number=number, of=len(steps), verb=step.verb, goal=goal)
            try:
                with self._typist.intent(step.verb, goal):
                    self._do(step)
            except StepFailed as failure:
                if not step.optional:
                    return f"step {number} ({step.verb}): {failure}"
        self._typist.sleep(self._rng.uniform(0.8, 1.4))
        return None

    def _do(self, step: Step) -> None:
        if step.type is not None:
            self._type(step.type)
        elif step.key is not None:
            self._typist.sleep(self._rng.uniform(0.15, 0.45))
            self._press(step.key)
        elif step.pause is not None:
            self._typist.sleep(step.pause)
        elif step.wait_prompt:
            if not self._shell.marks.wait_prompt(self._prompts_at_enter, self._typist.seconds_left(STEP_LIMIT_S)):
                self._gave_up("the shell's prompt did not come back")
            self._read()
        elif step.wait_for_text is not None:
            text = step.wait_for_text
            if not self._shell.marks.wait_text(text, self._text_at_enter, self._typist.seconds_left(STEP_LIMIT_S)):
                self._gave_up(f"{text[:60]!r} did not appear")
            self._read()
        else:
            raise StepFailed(f"{step.verb} is not for terminals")

    def _type(self, text: str) -> None:
        self._typist.sleep(self._rng.lognormvariate(-0.7, 0.4))  # finding the words: about half a second
        for stroke in type_text(text, self._rng, self._model):
            self._typist.sleep(stroke.delay_s)
            self._press(stroke.key)

    def _press(self, key: str) -> None:
        if key in _ENTER or key == "\n":
            marks = self._shell.marks
            self._prompts_at_enter, self._text_at_enter = marks.prompts, marks.length
        self._typist.press(key)

    def _read(self) -> None:
        """Look at what came since Return, longer for more of it."""
        seen = self._shell.marks.length - self._text_at_enter
        self._typist.sleep(self._rng.uniform(0.25, 0.55) + min(1.5, seen / _READING))

    def _gave_up(self, problem: str) -> None:
        if self._typist.over:
            self._typist.sleep(0.001)
        raise StepFailed(problem)
