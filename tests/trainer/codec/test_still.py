"""What stands still since the last true frame keeps its pixels, whatever the codec loses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainer.codec import PCACodec, PixelCodec, make_codec
from trainer.codec.still import decode_after
from trainer.config import CodecConfig


@pytest.fixture
def frames() -> Tensor:
    """Four frames of noise; in the third one patch changes, and changes back in the fourth."""
    generator = torch.Generator().manual_seed(0)
    video = torch.randint(0, 256, (2, 1, 32, 40, 3), generator=generator).byte().repeat(1, 4, 1, 1, 1)
    video[:, 2, 8:16, 16:24] = 255 - video[:, 2, 8:16, 16:24]
    return video


def test_true_frames_and_what_stands_still_are_exact_and_what_is_new_is_decoded(frames: Tensor) -> None:
    codec = PCACodec.fit(frames.flatten(0, 1), 8, 4, 0.5)
    latents = codec.encode(frames)
    lossy, made = codec.decode(latents), decode_after(codec, latents, frames[:, :2])
    true = frames.float() / 255
    assert (lossy - true).abs().max() > 0.2, "the codec must lose something for this to say anything"
    new = torch.zeros(32, 40, dtype=torch.bool)
    new[8:16, 16:24] = True
    assert torch.equal(made[:, [0, 1, 3]], true[:, [0, 1, 3]])
    assert torch.equal(made[:, 2, ~new], true[:, 2, ~new]) and torch.equal(made[:, 2, new], lossy[:, 2, new])


def test_a_codec_that_loses_nothing_is_not_changed(frames: Tensor) -> None:
    codec = PixelCodec(8)
    assert torch.equal(decode_after(codec, codec.encode(frames), frames[:, :1]), frames.float() / 255)


def test_a_codec_over_time_decodes_as_it_does(tmp_path: Path) -> None:
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(tmp_path)
    codec = make_codec(CodecConfig(name="wan", patch=8, channels=16, weights=str(tmp_path)))
    frames = torch.zeros(1, 5, 16, 16, 3, dtype=torch.uint8)
    latents = codec.encode(frames)
    assert torch.equal(decode_after(codec, latents, frames[:, :1]), codec.decode(latents))
