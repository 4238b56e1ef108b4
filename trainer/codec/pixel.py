"""The codec that loses nothing: each patch's 8-bit values as they are, for upper bounds and for tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from trainer.codec.base import digest_of, from_blocks, to_blocks
from trainer.settings.config import CodecConfig, Config
from trainer.settings.variants import Check

MIDDLE, SCALE = 128, 64  # powers of two: exact in float32, float16 and bfloat16; about unit variance


@dataclass(frozen=True)
class PixelCodec:
    """(value - 128) / 64 of the 3 patch² values of a patch."""

    patch: int
    name: ClassVar[str] = "pixel"
    time: ClassVar[int] = 1
    linear: ClassVar[bool] = False

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        full = 3 * config.codec.patch**2
        yield Check("codec.channels", config.codec.channels == full, f"{full} for pixel")

    @classmethod
    def frames_to_fit(cls, config: CodecConfig) -> int:
        return 0

    @classmethod
    def make(cls, config: CodecConfig, frames: Tensor | None) -> Self:
        return cls(config.patch)

    @classmethod
    def restore(cls, config: CodecConfig, state: dict[str, Tensor]) -> Self:
        return cls(int(state["patch"]))

    @classmethod
    def operations(cls, channels: int, pixels: int) -> int:
        return 0

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
