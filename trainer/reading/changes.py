"""Which pixels of a picture have changed."""

from __future__ import annotations

from torch import Tensor

CHANGED = 16 / 255
"""A pixel has changed when a channel differs by more; above the noise of video and codec."""


def changed(pictures: Tensor, before: Tensor) -> Tensor:
    """Which pixels differ from `before` (broadcast over frames), bool [n, height, width]."""
    return (pictures - before).abs().amax(dim=-1) > CHANGED
