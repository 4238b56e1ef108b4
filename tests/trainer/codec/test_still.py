"""What stands still since the last true frame keeps its pixels, whatever the codec loses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from trainer.codec.pca import PCACodec
from trainer.codec.pixel import PixelCodec
from trainer.codec.still import decode_after


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
