"""Reads the characters on a terminal's screen out of the model's picture, to measure generated frames.

A linear discriminant (Fisher 1936) for each way a cell can lie on the picture's px, in closed form. How the recorder
draws a character is learnt from true frames of the training clips at their recorded size; how that looks in the
model's smaller picture follows from the letterbox, which is known arithmetic: px are averages of areas. So a few
screens teach every place, and no sequence of letters is learnt: a reader that knew the language would read what the
model failed to draw. Its own accuracy on true held-out frames is printed beside every figure it gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.reading.screens import UNDER_CURSOR, ScreenGrid

RANK = 64  # directions kept of a covariance
PARTS = 8  # of a px: places of cells that differ by less are taken as the same
SHRINK = 1e-4  # variance added to every px: 1 % of the range, the noise of video
Rules = list[tuple[Tensor, Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class TextReader:
    """How each character looks at the recorded size; D = 3 x cell height x cell width numbers in 0..1."""

    cell: tuple[int, int]
    """Px of a recorded cell: width, height."""
    seen: Tensor
    """bool [192]: which of CHARACTERS have been met, and then which under the text cursor; no other is ever read."""
    means: Tensor
    """[192, D]: a character's mean picture, and then under the cursor, which is usually drawn inverse."""
    within: Tensor
    """[D, RANK]: times its transpose, the covariance about these means: colours and weights."""
    around: Tensor
    """[D]: mean of any cell, as a neighbour."""
    spread: Tensor
    """[D, RANK]: times its transpose, the covariance of any cell."""
    noise: Tensor
    """Scalar: mean squared error of the codec where there is ink."""
    _rules: dict[tuple[ScreenGrid, int, int], Rules] = field(default_factory=dict, repr=False, compare=False)

    def read(self, frames: Tensor, grid: ScreenGrid) -> NDArray[np.int64]:
        """Characters' numbers [n, rows, columns] of pictures, float [n, height, width, 3] in 0..1."""
        height, width = frames.shape[1:3]
        key = (grid, int(height), int(width))
        if key not in self._rules:
            self._rules[key] = self._make_rules(grid, int(width))
        flat = frames.reshape(len(frames), -1)
        out = torch.zeros(len(frames), grid.rows * grid.columns, dtype=torch.int64)
        for cells, places, weights, bias in self._rules[key]:
            out[:, cells] = (flat[:, places] @ weights + bias).argmax(dim=-1) % UNDER_CURSOR
        return out.reshape(len(frames), grid.rows, grid.columns).numpy()

    def _make_rules(self, grid: ScreenGrid, width: int) -> Rules:
        """For each way cells lie on px: cells [k], px [k, d], weights [d, 192], bias [192]."""
        box = grid.box
        down = _lies(averages(grid.rows * grid.cell[1], box.height), grid.cell[1])
        across = _lies(averages(grid.columns * grid.cell[0], box.width), grid.cell[0])
        rules = []
        for rows, vertical in down:
            for columns, horizontal in across:
                y = (
                    torch.tensor([first for _, first in rows])[:, None, None]
                    + torch.arange(vertical[1].shape[0])[:, None]
                )
                x = torch.tensor([first for _, first in columns])[:, None, None] + torch.arange(horizontal[1].shape[0])
                px = (y[:, None] + box.top) * width + (x[None] + box.left)
                places = px.reshape(len(rows) * len(columns), -1)[..., None] * 3 + torch.arange(3)
                cells = torch.tensor([r * grid.columns + c for r, _ in rows for c, _ in columns])
                weights, bias = self._discriminant(vertical, horizontal)
                rules.append((cells, places.flatten(1), weights, bias))
        return rules

    def _discriminant(self, vertical: list[Tensor], horizontal: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Weights and bias for one way of lying, from the averages over the cell before, the cell and the one after."""
        d = 3 * vertical[1].shape[0] * horizontal[1].shape[0]
        mean, factors = torch.zeros(d), []
        for j, tall in enumerate(vertical):
            for i, wide in enumerate(horizontal):
                if not tall.any() or not wide.any():
                    continue
                part = torch.kron(torch.kron(tall.contiguous(), wide.contiguous()), torch.eye(3))
                if (j, i) == (1, 1):
                    centres = self.means @ part.T
                    factors.append(part @ self.within)
                else:
                    mean += part @ self.around
                    factors.append(part @ self.spread)
        stacked = torch.cat(factors, dim=1)
        covariance = stacked @ stacked.T + (SHRINK + self.noise) * torch.eye(d)
        centres = centres + mean
        weights = torch.linalg.solve(covariance, centres.T)
        bias = -0.5 * (centres * weights.T).sum(dim=1)
        bias[~self.seen] = -torch.inf
        return weights, bias

    def state(self) -> dict[str, Tensor]:
        names = ("seen", "means", "within", "around", "spread", "noise")
        return {"cell": torch.tensor(self.cell)} | {name: getattr(self, name) for name in names}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> TextReader:
        """`KeyError`, `TypeError` or `ValueError` when it is not what `state` gave."""
        wide, high = (int(side) for side in state["cell"])
        d, count = 3 * wide * high, 2 * UNDER_CURSOR
        shapes = {
            "seen": (count,), "means": (count, d), "within": (d, RANK), "around": (d,), "spread": (d, RANK),
            "noise": (),
        }  # fmt: skip
        for name, shape in shapes.items():
            if tuple(state[name].shape) != shape:
                raise ValueError(f"{name} is {tuple(state[name].shape)}, not {shape}")
        seen, means, within, around, spread, noise = (state[name] for name in shapes)
        return cls((wide, high), seen, means, within, around, spread, noise)

    @classmethod
    def fit(
        cls, pictures: NDArray[np.uint8], numbers: NDArray[np.int64], around: NDArray[np.uint8], noise: float
    ) -> TextReader:
        """From cells as they were recorded.

        Args:
            pictures: uint8 [n, height, width, 3] of cells; `numbers` [n] are their characters, plus UNDER_CURSOR
                where it is.
            around: uint8 [m, height, width, 3] of cells as they come on a screen.
            noise: mean squared error, of px in 0..1, that the model's codec makes in cells with ink.
        """
        cells = torch.from_numpy(pictures).reshape(len(pictures), -1).float() / 255
        usual = torch.from_numpy(around).reshape(len(around), -1).float() / 255
        labels = torch.from_numpy(numbers)
        counts = torch.bincount(labels, minlength=2 * UNDER_CURSOR)
        sums = torch.zeros(2 * UNDER_CURSOR, cells.shape[1]).index_add_(0, labels, cells)
        means = sums / counts.clamp_min(1)[:, None]
        off = (cells - means[labels]) / counts[labels].sqrt()[:, None]  # every character counts the same
        within = _factor(off.T @ off / (counts > 0).sum())
        centred = usual - usual.mean(dim=0)
        spread = _factor(centred.T @ centred / len(usual))
        cell = (pictures.shape[2], pictures.shape[1])
        return cls(cell, counts > 0, means, within, usual.mean(dim=0), spread, torch.tensor(noise))


def _factor(covariance: Tensor) -> Tensor:
    """[D, RANK] whose product with its transpose is the covariance along its RANK widest directions."""
    values, vectors = torch.linalg.eigh(covariance.double())
    factor: Tensor = vectors[:, -RANK:] * values[-RANK:].clamp_min(0).sqrt()
    return factor.float()


def averages(before: int, after: int) -> Tensor:
    """[after, before]: each new px as the average of the part of the old ones that it covers."""
    edges = np.arange(after + 1) * before / after
    old = np.arange(before)
    cover = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    cover = cover.clip(min=0)
    return torch.from_numpy((cover / cover.sum(axis=1, keepdims=True)).astype(np.float32))


def _lies(whole: Tensor, cell: int) -> list[tuple[list[tuple[int, int]], list[Tensor]]]:
    """The different ways that cells lie on px along one axis.

    Args:
        whole: [px, cells * cell], from `averages`.

    Returns:
        For each way: (number, first px) of the cells that lie so, and the averages over the cell before, the cell
        itself and the one after, [px of the cell, cell] each; zeros where there is none.
    """
    count, step = whole.shape[1] // cell, cell * whole.shape[0] / whole.shape[1]
    ways: dict[tuple[int, ...], tuple[list[tuple[int, int]], list[Tensor]]] = {}
    for number in range(count):
        touched = whole[:, number * cell : (number + 1) * cell].any(dim=1).nonzero()[:, 0]
        first, last = int(touched[0]), int(touched[-1]) + 1
        key = (round((number * step - first) * PARTS), last - first, number == 0, number == count - 1)
        if key not in ways:
            parts = [
                whole[first:last, n * cell : (n + 1) * cell] if 0 <= n < count else torch.zeros(last - first, cell)
                for n in (number - 1, number, number + 1)
            ]
            ways[key] = ([], parts)
        ways[key][0].append((number, first))
    return list(ways.values())
