"""What every codec states and does, and the digest that distinguishes one from another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor

from trainer.settings.config import CodecConfig, Config
from trainer.settings.variants import Check


class Codec(Protocol):
    """Frames to latents and back; T frames are F latent frames, T = 1 + (F - 1) * time."""

    name: ClassVar[str]
    time: ClassVar[int]
    """Frames that a latent frame covers, after the first, which stands alone."""
    linear: ClassVar[bool]
    """A difference of pixels is a difference of latents (`encode_change`), as the pointer head takes for granted."""

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        """What the settings must hold to with this codec, its channels among them."""

    @classmethod
    def frames_to_fit(cls, config: CodecConfig) -> int:
        """Recorded frames that `make` is to be given; 0: it needs none."""

    @classmethod
    def make(cls, config: CodecConfig, frames: Tensor | None) -> Self:
        """The codec of a new run; frames: uint8 [n, height, width, 3]."""

    @classmethod
    def restore(cls, config: CodecConfig, state: dict[str, Tensor]) -> Self:
        """The codec that `state()` described.

        Raises `GoaltraceError`, `KeyError`, `TypeError` or `ValueError` when the state is of another codec.
        """

    @classmethod
    def operations(cls, channels: int, pixels: int) -> int:
        """Of encoding or decoding so many px of colour, inside a pass of the model (its pointer head does both)."""

    @property
    def channels(self) -> int:
        """Of a latent cell."""

    @property
    def patch(self) -> int:
        """Px a side of a latent cell."""

    def encode(self, frames: Tensor) -> Tensor:
        """uint8 [B, T, height, width, 3] -> float32 [B, channels, F, height / patch, width / patch]."""

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, channels, F, h, w] -> float32 pixels [B, T, height, width, 3] in 0..1."""

    def to(self, device: torch.device) -> Codec: ...

    def state(self) -> dict[str, Tensor]:
        """What `codec_from_state` makes the same codec of."""

    def digest(self) -> str:
        """16 hex digits that differ where latents would; see `digest_of`."""


def digest_of(name: str, state: dict[str, Tensor]) -> str:
    """16 hex digits of the SHA-256 over a codec's name and state, the same on every device."""
    found = hashlib.sha256(name.encode())
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        found.update(f"\n{key} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def to_blocks(frames: Tensor, patch: int) -> Tensor:
    """[..., height, width, 3] -> [..., height / patch, width / patch, 3 patch²]."""
    *lead, height, width, _ = frames.shape
    blocks = frames.reshape(*lead, height // patch, patch, width // patch, patch, 3).transpose(-4, -3)
    return blocks.reshape(*lead, height // patch, width // patch, 3 * patch * patch)


def from_blocks(blocks: Tensor, patch: int) -> Tensor:
    """The inverse of `to_blocks`."""
    *lead, rows, columns, _ = blocks.shape
    pixels = blocks.reshape(*lead, rows, columns, patch, patch, 3).transpose(-4, -3)
    return pixels.reshape(*lead, rows * patch, columns * patch, 3)
