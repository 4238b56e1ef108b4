"""How many tokens of each kind a pass over one window has: what cost and memory are counted in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts for one window."""

    frames: int
    """Latent frames."""
    cells: int
    """Tokens of a frame."""
    actions: int
    """Action tokens that a latent frame sees, lag included."""
    late: int
    """Action tokens of a frame among the picture's (contextual)."""
    text: int

    @property
    def picture(self) -> int:
        return self.frames * self.cells

    @property
    def tokens(self) -> int:
        return self.frames * (self.cells + self.late)
