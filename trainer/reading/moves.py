"""Training examples of the pointer reader: parts of true frames, with earlier ones whose pointer was elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MOVED_PX = 4.0  # a pointer that moved less would be right in a frame that repeats the earlier one


@dataclass
class Moves:
    """Frames of some clips, and for each the earlier ones of its clip whose pointer was elsewhere or not to be seen."""

    frames: Tensor
    """uint8 [n, height, width, 3]."""
    points: Tensor
    """float32 [n, 2] px of the pointer's tip, NaN where there is none."""
    earlier: dict[int, list[int]] = field(default_factory=dict)
    """Only frames with a pointer that have such an earlier one."""

    @classmethod
    def of(cls, clips: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]]) -> Moves:
        """From the frames [F, height, width, 3] and tips [F, 2] of each clip."""
        frames, points, earlier, first = [], [], {}, 0
        for pictures, tips in clips:
            for k in np.flatnonzero(np.isfinite(tips[:, 0])).tolist():
                there = ~(np.linalg.norm(tips[:k] - tips[k], axis=1) < MOVED_PX)  # NaN is never <
                if there.any():
                    earlier[first + k] = (first + np.flatnonzero(there)).tolist()
            frames.append(pictures)
            points.append(tips)
            first += len(pictures)
        if not frames:
            return cls(torch.zeros(0, 0, 0, 3, dtype=torch.uint8), torch.zeros(0, 2))
        return cls(torch.from_numpy(np.concatenate(frames)), torch.from_numpy(np.concatenate(points)), earlier)

    def draw(
        self, views: tuple[Tensor, ...], count: int, size: tuple[int, int], generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Parts that hold the pointer anywhere, and the same parts of an earlier frame.

        Args:
            views: the frames, or what a codec makes of them, as `frames`; taken in turn.
            size: (width, height) px of a part, at most a frame's.

        Returns:
            float [count, height, width, 3] in 0..1, twice, and the tips' px in them [count, 2].
        """
        later = list(self.earlier)
        shape = (count, min(size[1], self.frames.shape[1]), min(size[0], self.frames.shape[2]), 3)
        parts, before = torch.empty(shape), torch.empty(shape)
        places = torch.empty(count, 2)
        for number in range(count):
            k = later[_below(len(later), generator)]
            j = self.earlier[k][_below(len(self.earlier[k]), generator)]
            corner = torch.tensor([
                _corner(float(self.points[k, axis]), shape[2 - axis], self.frames.shape[2 - axis], generator)
                for axis in (0, 1)
            ])  # fmt: skip
            x, y = corner.tolist()
            view = views[number % len(views)]
            for out, frame in ((parts, k), (before, j)):
                out[number] = view[frame, y : y + shape[1], x : x + shape[2]].float() / 255
            places[number] = self.points[k] - corner
        return parts, before, places


def _corner(point: float, side: int, whole: int, generator: torch.Generator) -> int:
    """Where a part of `side` px that holds the px of `point` begins; any such place alike."""
    low = max(0, int(point) + 1 - side)
    return low + _below(max(0, min(int(point), whole - side) - low) + 1, generator)


def _below(stop: int, generator: torch.Generator) -> int:
    return int(torch.randint(0, stop, (1,), generator=generator))
