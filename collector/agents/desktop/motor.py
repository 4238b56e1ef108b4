"""How a hand moves a pointer: Fitts' time, a minimum-jerk speed profile, a curved path, overshoot and correction."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

Point = tuple[int, int]

SAMPLE_S = 1 / 60
"""Time between two pointer events, of the order of a mouse's own rate."""
FITTS_A_S, FITTS_B_S = 0.08, 0.14
"""MT = a + b log2(D/W + 1), the Shannon form of Fitts' law (MacKenzie 1992); b within the usual mouse range."""
OVERSHOOT_CHANCE = 0.2


def fitts_s(distance_px: float, width_px: float) -> float:
    """Movement time in seconds over `distance_px` to a target `width_px` wide."""
    return FITTS_A_S + FITTS_B_S * math.log2(distance_px / max(width_px, 1.0) + 1)


def minimum_jerk(tau: float) -> float:
    """Share of the way covered at share `tau` of the time (Flash and Hogan 1985): 0 -> 0, 1 -> 1."""
    return tau**3 * (10 - 15 * tau + 6 * tau**2)


def movement(start: Point, end: Point, width_px: float, rng: random.Random) -> Iterator[tuple[float, Point]]:
    """Yield (seconds since the start, point) from `start` to exactly `end`."""
    distance = math.dist(start, end)
    if distance < 1:
        return
    spent = 0.0
    if distance > 4 * width_px and rng.random() < OVERSHOOT_CHANCE:
        beyond = 1 + rng.uniform(0.04, 0.10)
        first = (round(start[0] + (end[0] - start[0]) * beyond), round(start[1] + (end[1] - start[1]) * beyond))
        yield from _stroke(start, first, fitts_s(distance, width_px), 0.0, rng)
        spent = fitts_s(distance, width_px) + rng.uniform(0.08, 0.16)  # seeing the miss takes time
        start, distance = first, math.dist(first, end)
    yield from _stroke(start, end, fitts_s(distance, width_px) * rng.uniform(0.85, 1.25), spent, rng)


def _stroke(
    start: Point, end: Point, duration_s: float, offset_s: float, rng: random.Random
) -> Iterator[tuple[float, Point]]:
    """One aimed stroke; bends to one side by a few percent of its length."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    bend = rng.gauss(0, 0.04)
    samples = max(2, round(duration_s / SAMPLE_S))
    for i in range(1, samples + 1):
        share = minimum_jerk(i / samples)
        side = bend * math.sin(math.pi * share)
        yield (
            offset_s + duration_s * i / samples,
            (round(start[0] + dx * share - dy * side), round(start[1] + dy * share + dx * side)),
        )
