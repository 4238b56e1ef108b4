"""The scripted agent of a desktop: does a task's steps through the X server, at human speed, and logs its intents."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from collector.agents.desktop.eyes import Box, Eyes
from collector.agents.desktop.hands import Hands
from collector.agents.desktop.motor import Point
from collector.agents.typing import TypingModel, type_text
from collector.containers.system import untried_here
from collector.episodes.endings import StepFailed
from collector.episodes.spec import EpisodeSpec
from manifests.session import Intent
from manifests.task import Step, Target

FIND_S = 15.0


class ScriptedAgent:
    """Performs the script of one task; `log` receives an Intent a step."""

    def __init__(self, spec: EpisodeSpec, now_ns: Callable[[], int], log: Callable[[Intent], None]) -> None:
        self._task = spec.task
        self._rng = random.Random(f"{spec.task.id}:{spec.seed}:hands")
        self._now_ns = now_ns
        self._log = log
        self._typist = TypingModel.drawn(self._rng)
        self._hands = Hands(self._rng)
        self._eyes = Eyes()

    def run(self) -> None:
        """Every step in order; raises `StepFailed` at the first that cannot be done."""
        try:
            for number, step in enumerate(self._task.script):
                self._think()
                self._do(number, step)
        finally:
            self._eyes.close()

    def _think(self) -> None:
        """The pause before acting: seldom short, sometimes long."""
        time.sleep(min(self._rng.lognormvariate(-0.6, 0.45), 2.5))

    def _do(self, number: int, step: Step) -> None:
        began = self._now_ns()
        box: Box | None = None
        problem: str | None = None
        try:
            box = self._perform(step)
        except StepFailed as error:
            problem = str(error)
        target = step.click or step.scroll or step.wait_for
        self._log(
            Intent(
                seq=number,
                t_ns=began,
                t_end_ns=self._now_ns(),
                verb=step.verb,
                goal=step.say,
                target=target.model_dump(exclude_none=True) if target else None,
                box=box,
                sent=self._hands.take_sent(),
                ok=problem is None,
                note=problem,
            )
        )
        if problem and not step.optional:
            raise StepFailed(f"step {number + 1} ({step.verb}): {problem}")

    def _perform(self, step: Step) -> Box | None:
        hands = self._hands
        if step.pause is not None:
            time.sleep(step.pause)
        elif step.type is not None:
            self._type(step.type)
        elif step.key is not None:
            hands.shortcut(step.key)
        elif step.wait_for is not None:
            return self._see(step.wait_for, step.optional)
        elif step.click is not None:
            box = self._see(step.click, step.optional)
            hands.move_to(self._aim(box, step.click), min(box.width, box.height))
            time.sleep(self._rng.uniform(0.05, 0.2))
            hands.click(step.button, step.count)
            return box
        elif step.scroll is not None:
            box = self._see(step.scroll, step.optional)
            hands.move_to(self._aim(box, step.scroll), min(box.width, box.height))
            hands.scroll(step.amount)
            return box
        elif step.drag is not None:
            start, end = (self._see(target, step.optional) for target in step.drag)
            hands.drag(self._aim(start, step.drag[0]), self._aim(end, step.drag[1]), min(start.width, start.height))
            return start
        else:
            raise StepFailed("this verb is for terminals; a desktop task opens a terminal and types")
        return None

    def _type(self, text: str) -> None:
        self._hands.require(text)
        for stroke in type_text(text, self._rng, self._typist):
            hold_s = self._rng.uniform(0.02, 0.03) if stroke.delay_s < 0.08 else self._rng.uniform(0.03, 0.07)
            time.sleep(max(0.0, stroke.delay_s - hold_s))
            self._hands.tap(stroke.key, hold_s)

    def _see(self, target: Target, optional: bool) -> Box:
        box = self._eyes.wait_for(target, 2.0 if optional else FIND_S)
        if box is None:
            wanted = ", ".join(f"{k}={v!r}" for k, v in target.model_dump(exclude_defaults=True).items())
            untried = untried_here("desktop")
            hint = f"; never tried by us, of what is here: {', '.join(untried)}" if untried else ""
            raise StepFailed(f"nothing on the screen matches {wanted}; {self._eyes.nearest(target)}{hint}")
        return box

    def _aim(self, box: Box, target: Target) -> Point:
        """A point near the wanted spot of the box: a person does not hit centres."""
        x = box.x + box.width * target.at[0] + self._rng.gauss(0, min(box.width / 8, 12))
        y = box.y + box.height * target.at[1] + self._rng.gauss(0, min(box.height / 8, 6))
        x = min(max(x, box.x + 1), box.x + box.width - 2)
        y = min(max(y, box.y + 1), box.y + box.height - 2)
        return round(x), round(y)
