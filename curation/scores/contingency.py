"""Contingency: does an action fit what was there, better than chance versions of the same action?

A click is compared with all other points of the frame before it; typed text with its own letters shuffled,
against the goal. Both are percentile ranks: uniform on 0..1 with mean 0.5 for an actor who does not look.
Frame, time, rate and letter frequencies are the same on both sides, so they cannot leak into the score.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipAction

PATCH_PX = 8  # half the side of the patch looked at, work pixels: 32 px of a 1024 px screen in all
SHUFFLES = 256
MIN_CHARS = 6  # typed letters and digits below which text says nothing
MAX_CHARS = 4000
_WORD = re.compile(r"[^\W_]+")


def click_rank(luma: NDArray[np.uint8], known: NDArray[np.bool_], x: int, y: int) -> float:
    """Percentile rank of the edge energy around a click among all points of the same frame.

    Args:
        luma: the screen before the click, uint8 [h, w].
        known: bool [h, w], False where the pointer hid the screen.
        x, y: the click in the same pixels.

    Returns:
        0..1; ties count half, so a blank screen gives 0.5.
    """
    wide = luma.astype(np.int64)
    energy = np.zeros_like(wide)
    energy[:, 1:] += np.abs(np.diff(wide, axis=1)) * (known[:, 1:] & known[:, :-1])
    energy[1:, :] += np.abs(np.diff(wide, axis=0)) * (known[1:, :] & known[:-1, :])
    seen = _patch_sums(known.astype(np.int64))
    mean = _patch_sums(energy) / np.maximum(seen, 1)
    if seen[y, x] == 0:
        return 0.5
    points = mean[seen > 0]
    at = mean[y, x]
    return float((points < at).mean() + 0.5 * (points == at).mean())


def _patch_sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum over the square of side 2*PATCH_PX+1 around each pixel, cut at the border; int64 [h, w]."""
    height, width = values.shape
    integral = np.zeros((height + 1, width + 1), np.int64)
    integral[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
    top, bottom = _span(height)
    left, right = _span(width)
    return integral[bottom][:, right] - integral[bottom][:, left] - integral[top][:, right] + integral[top][:, left]


def _span(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    places = np.arange(size)
    return np.maximum(places - PATCH_PX, 0), np.minimum(places + PATCH_PX + 1, size)


def typed_text(actions: Iterable[ClipAction]) -> str:
    """The text typed in a clip, with BackSpace applied; redacted keys are left out."""
    typed: list[str] = []
    for action in actions:
        if action["kind"] not in ("key_down", "key") or action["redacted"]:
            continue
        if action["key"] == "BackSpace":
            typed[-1:] = []
        elif action["char"] and action["char"].isprintable():
            typed.extend(action["char"])
        elif action["key"] in ("Return", "KP_Enter", "Tab"):
            typed.append("\n")
    return "".join(typed[:MAX_CHARS])


def text_rank(text: str, goal: str, clip_id: str) -> tuple[float | None, int]:
    """Percentile rank of how much of `text` is in `goal`, among shuffles of the same letters.

    How much: the share of its three-letter runs that the goal has too. Shuffles move letters and digits
    among their places, seeded by `clip_id`.

    Returns:
        The rank (None below MIN_CHARS letters and digits, or without a goal) and the letters and digits scored.
    """
    text, runs = text.lower(), _runs(goal)
    codes = np.array([ord(c) for c in text], np.int64)
    places = np.array([i for i, c in enumerate(text) if _WORD.fullmatch(c)], np.int64)
    if len(places) < MIN_CHARS or not runs:
        return None, len(places)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8], "big"))
    own = _overlap(text, runs)
    others = []
    for _ in range(SHUFFLES):
        shuffled = codes.copy()
        shuffled[places] = rng.permutation(codes[places])
        others.append(_overlap("".join(map(chr, shuffled)), runs))
    null = np.array(others)
    return float((null < own).mean() + 0.5 * (null == own).mean()), len(places)


def _runs(text: str) -> set[str]:
    return {word[i : i + 3] for word in _WORD.findall(text.lower()) for i in range(len(word) - 2)}


def _overlap(text: str, runs: set[str]) -> int:
    return sum(word[i : i + 3] in runs for word in _WORD.findall(text) for i in range(len(word) - 2))
