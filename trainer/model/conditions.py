"""The conditions of a window: actions, cursor maps, pointer and text, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from torch import Tensor


@dataclass(frozen=True)
class Conditions:
    """B windows of T frames; whatever is None is not given."""

    actions: Tensor | None = None
    """[B, T, S, A], uint8 raw or int16 meta: what was done on the way to each frame."""
    maps: Tensor | None = None
    """float [B, T, height, width]: where the actions put the pointer, drawn."""
    points: Tensor | None = None
    """float [B, T, 2], px of the picture; NaN where there is no pointer."""
    text: Tensor | None = None
    """The goal: uint8 [B, L] UTF-8 bytes, 0 behind the end; or float [B, L, text_dim] embeddings."""
    keep: Tensor | None = None
    """bool [B]; False hides a sample's actions and pointer."""
    keep_text: Tensor | None = None
    """bool [B]; False hides a sample's text."""

    def frames(self, start: int, stop: int) -> Conditions:
        """The same for frames [start, stop)."""
        cut = {name: getattr(self, name)[:, start:stop] for name in _BY_FRAME if getattr(self, name) is not None}
        return replace(self, **cut)

    def rows(self, start: int, stop: int) -> Conditions:
        """The same for windows [start, stop)."""
        given = [part.name for part in fields(self) if getattr(self, part.name) is not None]
        return replace(self, **{name: getattr(self, name)[start:stop] for name in given})


_BY_FRAME = ("actions", "maps", "points")
