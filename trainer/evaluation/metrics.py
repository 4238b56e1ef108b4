"""Figures of pictures and of text. Pictures are float32 in 0..1, [n, height, width, 3]."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MOST_DB = 99.0
AFTER_ACTION = 15
"""Frames after an action that the paper looks at (arXiv 2604.06425)."""
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def psnr(error: float) -> float:
    """Decibels of a mean squared error of values in 0..1: -10 log10(error), at most 99, so that it stays a number."""
    return min(MOST_DB, -10 * math.log10(max(error, 1e-12)))


def squared_error(pictures: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of each frame, [n]."""
    return (pictures - truth).pow(2).flatten(1).mean(dim=1)


def ssim(pictures: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity of each frame's luma, [n]; 1 for equal pictures.

    Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE
    TIP 2004, equation 13, with their window (Gaussian, 11 x 11, sigma 1.5) and constants (0.01, 0.03), over the windows
    that lie in the picture as a whole. Sides are at least 11 px.
    """
    x, y = (frames @ torch.tensor(LUMA) for frames in (pictures, truth))
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    both = _blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * mean_x * mean_y + c1) * (2 * both + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return similar.flatten(1).mean(dim=1)


def _blur(frames: Tensor) -> Tensor:
    """[n, height, width] -> [n, height - 10, width - 10]; shifted sums, 15 times as fast as a convolution here."""
    window = torch.exp(-(torch.arange(-5.0, 6.0) ** 2) / (2 * 1.5**2))
    weights = (window / window.sum()).tolist()
    for axis in (1, 2):
        size = frames.shape[axis] - 10
        total = frames.narrow(axis, 0, size) * weights[0]
        for shift, weight in enumerate(weights[1:], start=1):
            total.add_(frames.narrow(axis, shift, size), alpha=weight)
        frames = total
    return frames


def overlap(predicted: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Of each frame: twice the pixels in both masks, and the pixels of both masks together, [n] each.

    Their quotient is F1 (van Rijsbergen 1979), 2 TP / (2 TP + FP + FN); summed before dividing it is F1 over all.
    """
    hit = 2 * (predicted & true).flatten(1).sum(dim=1)
    return hit, predicted.flatten(1).sum(dim=1) + true.flatten(1).sum(dim=1)


def after_actions(
    seconds: Iterable[float], frames: int, fps: float, first: int, k: int = AFTER_ACTION
) -> NDArray[np.bool_]:
    """Which of `frames` frames follow an action: bool [frames].

    The paper's protocol (arXiv 2604.06425): an action at t seconds belongs to frame f = round(t fps); f is skipped and
    the next k frames count; the union over all actions. t runs from frame 0, fps is the model's, and so k frames are
    k / fps seconds. Actions whose f is before frame `first - 1`, the last that is given, do not count: the model was
    shown what they did. Halves are rounded up.
    """
    chosen = np.zeros(frames, bool)
    for t in seconds:
        f = math.floor(t * fps + 0.5)
        if f >= first - 1:
            chosen[f + 1 : f + 1 + k] = True
    return chosen


def edit_distance(a: str, b: str) -> int:
    """Fewest insertions, deletions and substitutions from `a` to `b` (Levenshtein 1966)."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    if not a or not b:
        return len(a) + len(b)
    columns = np.array([ord(character) for character in b])
    steps = np.arange(len(b) + 1)
    row = steps.copy()
    for number, character in enumerate(a, start=1):
        best = np.minimum(row[:-1] + (columns != ord(character)), row[1:] + 1)
        # an insertion costs 1 a step: the least of best[j] + (k - j) over j <= k
        row = np.minimum.accumulate(np.concatenate([[number], best]) - steps) + steps
    return int(row[-1])


def character_accuracy(read: str, truth: str) -> float:
    """max(0, 1 - edit distance / max(|truth|, 1)), as in arXiv 2604.06425."""
    return max(0.0, 1 - edit_distance(read, truth) / max(len(truth), 1))


def line_figures(read: Sequence[str | None], truth: Sequence[str | None]) -> tuple[float, int, int]:
    """Over the lines that are known and not empty in truth: summed character accuracy, exact lines, lines."""
    pairs = [(r, t) for r, t in zip(read, truth, strict=True) if t and r is not None]
    accuracy = sum(character_accuracy(r, t) for r, t in pairs)
    return accuracy, sum(r == t for r, t in pairs), len(pairs)


def evenly_spaced(count: int, picks: int) -> list[int]:
    """`picks` of `count` places from the first to the last; all where there are fewer."""
    return sorted({int(place) for place in np.linspace(0, count - 1, min(picks, count)).round()})
