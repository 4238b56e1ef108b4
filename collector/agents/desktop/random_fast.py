"""The control arm `random-fast`: no goal, as in the published comparison.

After Neural Computers (arXiv 2604.06425): a coin per session chooses a noisy Bezier path or a teleport to
a uniform point every frame; clicks, double clicks (p .3), right clicks and keys fall by coin flips per frame.
It sends the same real X events as every agent.
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Iterator

from collector.agents.desktop.hands import Hands
from collector.agents.desktop.motor import Point
from collector.episodes.spec import EpisodeSpec
from manifests.session import Intent

LONGEST_S = 20.0
FRAME_S = 1 / 15
CLICK_CHANCE, KEY_CHANCE = 0.12, 0.12
DOUBLE_CHANCE, RIGHT_CHANCE = 0.3, 0.2
CONTROL_POINTS = (25, 35)
KEYS = [*string.ascii_lowercase, *string.digits, "space", "Return", "Tab", "Escape", "BackSpace", "Up", "Down"]


class RandomFastAgent:
    """Acts without a goal for `LONGEST_S` or as long as the episode may last; `log` receives one Intent a second."""

    def __init__(self, spec: EpisodeSpec, now_ns: Callable[[], int], log: Callable[[Intent], None]) -> None:
        self._rng = random.Random(f"{spec.task.id}:{spec.seed}:random-fast")
        self._frames = round(min(LONGEST_S, spec.max_duration_s) / FRAME_S)
        self._now_ns = now_ns
        self._log = log
        self._hands = Hands(self._rng)

    def run(self) -> None:
        start = time.monotonic()
        teleport = self._rng.random() < 0.5
        path = self._uniform() if teleport else self._bezier()
        began, second = self._now_ns(), 0
        for frame, point in enumerate(path, start=1):
            self._act(point)
            if frame % 15 == 0 or frame == self._frames:
                now = self._now_ns()
                self._log(Intent(seq=second, t_ns=began, t_end_ns=now, verb="random", sent=self._hands.take_sent()))
                began, second = now, second + 1
            time.sleep(max(0.0, start + frame * FRAME_S - time.monotonic()))

    def _act(self, point: Point) -> None:
        self._hands.jump_to(point)
        if self._rng.random() < CLICK_CHANCE:
            button = "right" if self._rng.random() < RIGHT_CHANCE else "left"
            for _ in range(2 if button == "left" and self._rng.random() < DOUBLE_CHANCE else 1):
                self._hands.press(button)
                self._hands.release(button)
        if self._rng.random() < KEY_CHANCE:
            self._hands.tap(self._rng.choice(KEYS), hold_s=0.01)

    def _uniform(self) -> Iterator[Point]:
        for _ in range(self._frames):
            yield self._anywhere()

    def _bezier(self) -> Iterator[Point]:
        """A Bezier curve through the screen (de Casteljau), with a few px of noise a frame."""
        control = [self._anywhere() for _ in range(self._rng.randint(*CONTROL_POINTS))]
        for frame in range(self._frames):
            t = frame / max(self._frames - 1, 1)
            points: list[tuple[float, float]] = [(float(x), float(y)) for x, y in control]
            while len(points) > 1:
                points = [
                    (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
                    for a, b in zip(points, points[1:], strict=False)
                ]
            yield round(points[0][0] + self._rng.gauss(0, 4)), round(points[0][1] + self._rng.gauss(0, 4))

    def _anywhere(self) -> Point:
        return self._rng.randrange(self._hands.width), self._rng.randrange(self._hands.height)
