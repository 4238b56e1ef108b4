"""What a roll-out remembers of the frames it has made, so that each new frame is one pass over that frame alone."""

from __future__ import annotations

import torch
from torch import Tensor


class KVCache:
    """Keys and values of past frames, block by block, and the conditions that the next frame looks back to.

    A pass reads it; a pass with `write` set also leaves its own frames behind. At most `limit` frames are kept
    (0: all), the oldest go first; positions go on counting.
    """

    def __init__(self, layers: int, limit: int) -> None:
        self.limit = limit
        self.write = False
        self.frames = 0
        """Frames held."""
        self.next_frame = 0
        """Number of the frame that comes next, from the start of the roll-out."""
        self._keys: list[Tensor | None] = [None] * layers
        self._values: list[Tensor | None] = [None] * layers
        self._before: dict[str, Tensor] = {}

    def extend(self, layer: int, key: Tensor, value: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Past and new keys and values [B, N, heads, head_dim] of `frames` new frames."""
        keys, values = _join(self._keys[layer], key), _join(self._values[layer], value)
        if self.write:
            kept = keys.shape[1]
            if self.limit:
                kept = min(kept, self.limit * (key.shape[1] // frames))
            self._keys[layer], self._values[layer] = keys[:, -kept:], values[:, -kept:]
        return keys, values

    def look_back(self, name: str, now: Tensor, count: int, first: Tensor) -> Tensor:
        """`now` [B, F, ...] with the `count` frames before it in front; `first` [B, count, ...] before the start."""
        joined = torch.cat([self._before.get(name, first), now], dim=1)
        if self.write and count:
            self._before[name] = joined[:, -count:]
        return joined

    def advance(self, frames: int) -> None:
        """After a pass: its frames are past, if it wrote."""
        if self.write:
            self.next_frame += frames
            self.frames = min(self.frames + frames, self.limit) if self.limit else self.frames + frames


def _join(past: Tensor | None, now: Tensor) -> Tensor:
    return now if past is None else torch.cat([past, now], dim=1)
