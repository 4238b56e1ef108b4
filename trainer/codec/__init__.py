"""Pixels to latents and back: pixel (exact), pca (fitted in seconds) and wan (the user's weights)."""

from __future__ import annotations

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.codec.base import Codec
from trainer.codec.pca import PCACodec
from trainer.codec.pixel import PixelCodec
from trainer.codec.wan import WanCodec
from trainer.config import CodecConfig

__all__ = ["Codec", "PCACodec", "PixelCodec", "WanCodec", "codec_from_state", "make_codec", "through"]

AT_ONCE = 8  # frames; of a GB each inside Wan's


def make_codec(config: CodecConfig, frames: Tensor | None = None) -> Codec:
    """The codec that the settings ask for; pca is fitted to `frames`, uint8 [n, height, width, 3]."""
    if config.name == "pixel":
        return PixelCodec(config.patch)
    if config.name == "wan":
        return WanCodec.load(config.weights, config.channels)
    if frames is None:
        raise ValueError("the pca codec is fitted to frames")
    return PCACodec.fit(frames, config.patch, config.channels, config.whiten)


def codec_from_state(config: CodecConfig, state: dict[str, Tensor]) -> Codec:
    """The codec that `state()` described.

    Raises `GoaltraceError` when the state is of another codec, or the weights of wan are not those it was made with.
    """
    try:
        if config.name == "pixel":
            codec: Codec = PixelCodec(int(state["patch"]))
        elif config.name == "pca":
            codec = PCACodec.from_state(state)
        else:
            kept = state["weights"].cpu()
            codec = WanCodec.load(config.weights, config.channels)
            if not kept.equal(codec.state()["weights"]):
                raise GoaltraceError(f"{config.weights}: not the weights this was made with; give the same ones")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GoaltraceError(f"codec: not the state of a {config.name} codec ({error}); train again") from None
    if (codec.patch, codec.channels) != (config.patch, config.channels):
        raise GoaltraceError(
            f"codec: made with patch {codec.patch} and {codec.channels} channels, the settings say {config.patch} "
            f"and {config.channels}; use its own settings"
        )
    return codec


@torch.no_grad()
def through(codec: Codec, frames: Tensor, device: torch.device) -> Tensor:
    """What a codec that is on `device` makes of frames, each a video of its own: uint8 [n, height, width, 3] again."""
    made = torch.empty_like(frames)
    for part, out in zip(torch.split(frames, AT_ONCE), torch.split(made, AT_ONCE), strict=True):
        out.copy_((codec.decode(codec.encode(part[:, None].to(device)))[:, 0] * 255).round())
    return made
