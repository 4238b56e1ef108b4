"""Wan2.1's video autoencoder, from the user's own weights, through diffusers (optional)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from manifests.files import read_json, sha256_of
from trainer.codec.base import digest_of
from trainer.settings.config import CodecConfig, Config
from trainer.settings.variants import Check

SPATIAL, TEMPORAL, CHANNELS = 8, 4, 16


@dataclass(frozen=True)
class WanCodec:
    """AutoencoderKLWan with latents brought to mean 0 and variance 1 by the figures in its own settings.

    Not for several threads at once: diffusers keeps the causal convolutions' memory in the module.
    """

    module: Any
    """diffusers' AutoencoderKLWan, float32, in evaluation mode."""
    weights: Tensor
    """uint8 [32]: SHA-256 of the weight files."""
    mean: Tensor
    """[channels]."""
    std: Tensor
    name: ClassVar[str] = "wan"
    time: ClassVar[int] = TEMPORAL
    linear: ClassVar[bool] = False
    patch = SPATIAL

    @classmethod
    def checks(cls, config: Config) -> Iterator[Check]:
        codec = config.codec
        yield Check("codec.patch", codec.patch == SPATIAL, f"{SPATIAL} for wan")
        yield Check("codec.channels", codec.channels == CHANNELS, f"{CHANNELS} for wan")
        yield Check("codec.weights", bool(codec.weights), "the folder of an AutoencoderKLWan")

    @classmethod
    def frames_to_fit(cls, config: CodecConfig) -> int:
        return 0

    @classmethod
    def make(cls, config: CodecConfig, frames: Tensor | None) -> Self:
        return cls.load(config.weights, config.channels)

    @classmethod
    def restore(cls, config: CodecConfig, state: dict[str, Tensor]) -> Self:
        kept = state["weights"].cpu()
        codec = cls.load(config.weights, config.channels)
        if not kept.equal(codec.weights):
            raise GoaltraceError(f"{config.weights}: not the weights this was made with; give the same ones")
        return codec

    @classmethod
    def operations(cls, channels: int, pixels: int) -> int:
        """No head works on its pixels inside a pass."""
        return 0

    @property
    def channels(self) -> int:
        return len(self.mean)

    @classmethod
    def load(cls, folder: str, channels: int) -> Self:
        """Read a folder that diffusers wrote; only safetensors, nothing from the network.

        Raises:
            GoaltraceError: no such folder, not an AutoencoderKLWan of 8x8x4 px with `channels`, or no diffusers.
        """
        path = Path(folder)
        files = _weight_files(path)
        settings = read_json(path / "config.json")
        kind = settings.get("_class_name") if isinstance(settings, dict) else None
        if kind != "AutoencoderKLWan":
            raise GoaltraceError(f"{path / 'config.json'}: _class_name is {kind!r}, not 'AutoencoderKLWan'; {_MEND}")
        try:
            from diffusers import AutoencoderKLWan
        except ModuleNotFoundError as error:
            raise GoaltraceError(
                f"codec.name=wan needs the Python package {error.name!r}; pip install diffusers safetensors"
            ) from None
        try:
            read: Any = AutoencoderKLWan.from_pretrained
            module = read(path, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False)
        except Exception as error:  # whatever a damaged file makes of diffusers
            raise GoaltraceError(f"{path}: cannot be read as AutoencoderKLWan ({_reason(error)}); {_MEND}") from None
        made = module.config
        scale = (made.get("scale_factor_spatial", SPATIAL), made.get("scale_factor_temporal", TEMPORAL))
        mean, std = torch.tensor(made.latents_mean).float(), torch.tensor(made.latents_std).float()
        if scale != (SPATIAL, TEMPORAL) or made.z_dim != channels or not len(mean) == len(std) == channels:
            raise GoaltraceError(
                f"{path}: {made.z_dim} channels, 1/{scale[0]} in space, 1/{scale[1]} in time; needed: {channels} "
                f"channels, 1/{SPATIAL}, 1/{TEMPORAL} (the autoencoder of Wan2.1)"
            )
        digest = hashlib.sha256("\n".join(sha256_of(file) for file in files).encode()).digest()
        module.float().eval().requires_grad_(False)
        return cls(module, torch.frombuffer(bytearray(digest), dtype=torch.uint8), mean, std)

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """uint8 [B, 1 + 4k, height, width, 3] -> float32 [B, channels, 1 + k, height / 8, width / 8]: the means."""
        pixels = frames.float().movedim(-1, 1) / 127.5 - 1
        latents: Tensor = self.module.encode(pixels).latent_dist.mode()
        return (latents - _cells(self.mean)) / _cells(self.std)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, channels, F, h, w] -> float32 pixels [B, 1 + 4 (F - 1), height, width, 3] in 0..1."""
        scaled = latents.float() * _cells(self.std) + _cells(self.mean)
        pixels: Tensor = self.module.decode(scaled, return_dict=False)[0]
        return (pixels.movedim(1, -1) / 2 + 0.5).clamp(0, 1)

    def to(self, device: torch.device) -> WanCodec:
        return WanCodec(self.module.to(device), self.weights, self.mean.to(device), self.std.to(device))

    def state(self) -> dict[str, Tensor]:
        """Which weights these are, not the weights: half a gigabyte that the user has already."""
        return {"weights": self.weights, "mean": self.mean, "std": self.std}

    def digest(self) -> str:
        return digest_of(self.name, self.state())


_MEND = "give the `vae` folder of a Wan2.1 model in diffusers' layout"


def _weight_files(path: Path) -> list[Path]:
    if not path.is_dir():
        raise GoaltraceError(f"codec.weights: {path}: no such folder; {_MEND}")
    if not (path / "config.json").is_file():
        raise GoaltraceError(f"codec.weights: {path}: no config.json in it; {_MEND}")
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise GoaltraceError(f"codec.weights: {path}: no *.safetensors in it (pickled weights are not read); {_MEND}")
    return files


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _cells(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1, 1)
