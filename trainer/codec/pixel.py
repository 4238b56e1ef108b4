"""The codec that loses nothing: each patch's 8-bit values as they are, for upper bounds and for tests."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.codec.base import digest_of, from_blocks, to_blocks

MIDDLE, SCALE = 128, 64  # powers of two: exact in float32, float16 and bfloat16; about unit variance


@dataclass(frozen=True)
class PixelCodec:
    """(value - 128) / 64 of the 3 patch² values of a patch."""

    patch: int
    name = "pixel"
    time = 1

    @property
    def channels(self) -> int:
        return 3 * self.patch**2

    def encode(self, frames: Tensor) -> Tensor:
        """uint8 [B, T, height, width, 3] -> float32 [B, 3 patch², T, height / patch, width / patch]."""
        return ((to_blocks(frames, self.patch).float() - MIDDLE) / SCALE).movedim(-1, 1)

    def decode(self, latents: Tensor) -> Tensor:
        """The inverse: float32 [B, T, height, width, 3] in 0..1, equal to frames / 255."""
        values = from_blocks(latents.movedim(1, -1), self.patch).float() * SCALE + MIDDLE
        return (values / 255).clamp(0, 1)

    def to(self, device: torch.device) -> PixelCodec:
        return self

    def state(self) -> dict[str, Tensor]:
        return {"patch": torch.tensor(self.patch)}

    def digest(self) -> str:
        return digest_of(self.name, self.state())
