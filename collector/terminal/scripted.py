"""The scripted typist: follows a task's steps as a person would, reading what comes back before going on."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from collector.agents.typing import TypingModel, type_text
from collector.episode import say
from collector.recording import Recording
from collector.terminal.pty import Shell
from collector.watch import Watch
from manifests.session import Intent
from manifests.task import Step

STEP_LIMIT_S = 20.0
_READING = 300.0  # characters a second: output is skimmed, not read
_ENTER = ("Return", "ctrl+m", "ctrl+j")


class EpisodeOver(Exception):
    """The episode cannot go on: its time is up or its shell is gone."""


class StepFailed(Exception):
    """A step did not see what it waited for; the script ends and the check decides."""


class Typist:
    """Keys and waiting, within the episode's time; counts what it sends for the reconciliation."""

    def __init__(self, shell: Shell, recording: Recording, watch: Watch) -> None:
        self._shell, self._recording, self._watch = shell, recording, watch
        self._sent = 0
        self._intents = 0

    @contextmanager
    def intent(self, verb: str, goal: str | None) -> Iterator[None]:
        """Log what is meant by the keys pressed inside; also when it fails."""
        start, self._sent, ok, note = self._recording.now_ns(), 0, False, None
        try:
            yield
            ok = True
        except StepFailed as failure:
            note = str(failure)
            raise
        finally:
            self._recording.intents.write(
                Intent(
                    seq=self._intents, t_ns=start, t_end_ns=self._recording.now_ns(), verb=verb, goal=goal,
                    sent={"key": self._sent} if self._sent else {}, ok=ok, note=note,
                )
            )  # fmt: skip
            self._intents += 1

    def press(self, key: str) -> None:
        self._check()
        try:
            self._shell.press(key)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise EpisodeOver(self._shell.problem) from error
        self._sent += 1

    def sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, 0.25))

    def left(self, at_most: float) -> float:
        """Seconds until the episode's end, and no more than `at_most`."""
        until = self._recording.spec.max_duration_s - self._recording.now_ns() / 1e9
        return max(0.0, min(at_most, until))

    def require_time(self) -> None:
        if self.left(1) == 0:
            raise EpisodeOver("the episode's time is up")

    def _check(self) -> None:
        self.require_time()
        if self._watch.reason is not None:
            raise EpisodeOver(f"stopped: {self._watch.reason}")
        if not self._shell.alive:
            raise EpisodeOver(self._shell.problem)

    @property
    def over(self) -> bool:
        """Whether time or shell ran out while waiting."""
        return self.left(1) == 0 or self._watch.reason is not None or not self._shell.alive


class ScriptedAgent:
    """Carries out a terminal task's steps with human typing and thinking."""

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
            say("step", number=number, of=len(steps), verb=step.verb, goal=goal)
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
            if not self._shell.marks.wait_prompt(self._prompts_at_enter, self._typist.left(STEP_LIMIT_S)):
                self._gave_up("the shell's prompt did not come back")
            self._read()
        elif step.wait_for_text is not None:
            text = step.wait_for_text
            if not self._shell.marks.wait_text(text, self._text_at_enter, self._typist.left(STEP_LIMIT_S)):
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
