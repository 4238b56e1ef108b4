"""Latents by closed-form PCA of square patches: fitted in seconds, exact at full rank, nothing to train.

One frame at a time: a patch that spans several frames mixes their pointers, and then no latent belongs to
the action of one frame (see docs/training.md for the figures).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor

from trainer.codec.base import digest_of, from_blocks, to_blocks
from trainer.settings.config import CodecConfig, Config
from trainer.settings.variants import Check


@dataclass(frozen=True)
class PCACodec:
    """Projection of each patch x patch x 3 block onto its principal directions."""

    patch: int
    mean: Tensor
    """[3 patch²]."""
    basis: Tensor
    """[3 patch², channels], orthonormal columns."""
    scale: Tensor
    """[channels]; latents are coefficients divided by it."""
    name: ClassVar[str] = "pca"
    time: ClassVar[int] = 1
    linear: ClassVar[bool] = True

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        full = 3 * config.codec.patch**2
        yield Check("codec.channels", 1 <= config.codec.channels <= full, f"1 to {full} for pca")

    @classmethod
    def frames_to_fit(cls, config: CodecConfig) -> int:
        return config.fit_frames

    @classmethod
    def make(cls, config: CodecConfig, frames: Tensor | None) -> Self:
        if frames is None:
            raise ValueError("the pca codec is fitted to frames")
        return cls.fit(frames, config.patch, config.channels, config.whiten)

    @classmethod
    def restore(cls, config: CodecConfig, state: dict[str, Tensor]) -> Self:
        return cls(int(state["patch"]), state["mean"], state["basis"], state["scale"])

    @classmethod
    def operations(cls, channels: int, pixels: int) -> int:
        return 2 * 3 * pixels * channels

    @property
    def channels(self) -> int:
        return self.basis.shape[1]

    @classmethod
    def fit(cls, frames: Tensor, patch: int, channels: int, whiten: float) -> Self:
        """Fit to frames, uint8 [n, height, width, 3]; sides are multiples of `patch`.

        `whiten` in 0..1: coefficients are divided by std**whiten, times a constant that makes the latents'
        mean variance 1, so that noise of unit variance hides them.
        """
        blocks = to_blocks(frames.float() / 255, patch).reshape(-1, 3 * patch * patch).double()
        mean = blocks.mean(0)
        centred = blocks - mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        basis = vectors.flip(1)[:, :channels]
        std = values.flip(0)[:channels].clamp_min(0).sqrt().clamp_min(1e-3)
        scale = std**whiten
        scale = scale * ((std / scale) ** 2).mean().sqrt()
        return cls(patch, mean.float(), basis.float().contiguous(), scale.float())

    def encode(self, frames: Tensor) -> Tensor:
        """uint8 [B, F, height, width, 3] -> float32 latents [B, channels, F, height / patch, width / patch]."""
        blocks = to_blocks(frames.float() / 255, self.patch)
        return (((blocks - self.mean) @ self.basis) / self.scale).movedim(-1, 1)

    def encode_change(self, change: Tensor) -> Tensor:
        """A difference of pixels, float [B, F, height, width, 3], as a difference of latents."""
        return ((to_blocks(change, self.patch) @ self.basis) / self.scale).movedim(-1, 1)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, channels, F, h, w] -> float32 pixels [B, F, height, width, 3] in 0..1."""
        blocks = (latents.movedim(1, -1) * self.scale) @ self.basis.T + self.mean
        return from_blocks(blocks, self.patch).clamp(0, 1)

    def to(self, device: torch.device) -> PCACodec:
        return PCACodec(self.patch, self.mean.to(device), self.basis.to(device), self.scale.to(device))

    def state(self) -> dict[str, Tensor]:
        return {"patch": torch.tensor(self.patch), "mean": self.mean, "basis": self.basis, "scale": self.scale}

    def digest(self) -> str:
        return digest_of(self.name, self.state())
