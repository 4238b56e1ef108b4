"""Pixels to latents and back, one codec a file: pixel (exact), pca (fitted in seconds), wan (the user's weights)."""

from __future__ import annotations

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.codec.base import Codec
from trainer.settings.config import CodecConfig
from trainer.settings.variants import CODECS, variant

__all__ = ["Codec", "codec_class", "codec_from_state", "make_codec", "through"]

AT_ONCE = 8  # frames; of a GB each inside Wan's


def codec_class(config: CodecConfig) -> type[Codec]:
    """The codec that the settings name."""
    found: type[Codec] = variant(CODECS, config.name)
    return found


def make_codec(config: CodecConfig, frames: Tensor | None = None) -> Codec:
    """The codec that the settings ask for; some are fitted to `frames`, uint8 [n, height, width, 3]."""
    return codec_class(config).make(config, frames)


def codec_from_state(config: CodecConfig, state: dict[str, Tensor]) -> Codec:
    """The codec that `state()` described.

    Raises `GoaltraceError` when the state is of another codec, or the weights are not those it was made with.
    """
    try:
        codec = codec_class(config).restore(config, state)
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
