"""The KV cache of a roll-out: each new frame is one pass over that frame alone."""

from __future__ import annotations

import torch
from torch import Tensor


class Past:
    """Keys and values [B, N, heads, head_dim] that one block remembers. Blocks' are alike: they share compiled code."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.write = False
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extend(self, key: Tensor, value: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Past and new keys and values of `frames` new frames."""
        keys, values = _join(self.keys, key), _join(self.values, value)
        if self.write and self.limit:
            gone = max(0, keys.shape[1] - self.limit * (key.shape[1] // frames))
            self.keys, self.values = _cut(keys, gone), _cut(values, gone)
        return keys, values


class KVCache:
    """What each block remembers of past frames, and the conditions that the next frame looks back to.

    A pass reads it; a pass with `write` set also leaves its own frames behind. At most `limit` frames are kept, the
    oldest go first; positions go on counting.
    """

    def __init__(self, layers: int, limit: int) -> None:
        self.limit = limit
        self.blocks = [Past(limit) for _ in range(layers)]
        self.frames = 0
        """Frames held."""
        self.next_frame = 0
        """Number of the frame that comes next, from the start of the roll-out."""
        self._write = False
        self._before: dict[str, Tensor] = {}

    @property
    def write(self) -> bool:
        return self._write

    @write.setter
    def write(self, on: bool) -> None:
        self._write = on
        for past in self.blocks:
            past.write = on

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
            self.frames = min(self.frames + frames, self.limit)


def _cut(tokens: Tensor, gone: int) -> Tensor:
    """Without the first; laid out like one that never had them, which is what compiled code asks for."""
    return tokens[:, gone:].clone(memory_format=torch.contiguous_format) if gone else tokens


def _join(past: Tensor | None, now: Tensor) -> Tensor:
    """Always a tensor of its own: code that was compiled for a view is compiled again for one that is none."""
    return torch.cat([now] if past is None else [past, now], dim=1)
