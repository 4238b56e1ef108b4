"""What a codec promises: sizes, what it loses, and that one is told from another."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.codec import Codec, codec_class, codec_from_state, make_codec
from trainer.codec.pca import PCACodec
from trainer.codec.pixel import PixelCodec
from trainer.codec.still import decode_after
from trainer.codec.wan import WanCodec
from trainer.settings.config import CodecConfig, Config
from trainer.settings.variants import CODECS


def picture(frames: int, height: int = 16, width: int = 24, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, frames, height, width, 3), generator=generator).to(torch.uint8)


@pytest.fixture(scope="module")
def wan_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small AutoencoderKLWan with random weights, saved as diffusers saves it."""
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("wan") / "vae"
    module = AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1)
    module.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def wan(wan_folder: Path) -> CodecConfig:
    return CodecConfig(name="wan", patch=8, channels=16, weights=str(wan_folder))


def test_weights_are_read_without_a_word(wan: CodecConfig, caplog: pytest.LogCaptureFixture) -> None:
    """diffusers advises to install another package otherwise, in five lines, wherever a codec is opened."""
    logger = logging.getLogger("diffusers")
    logger.addHandler(caplog.handler)
    make_codec(wan)
    logger.removeHandler(caplog.handler)
    assert not caplog.records


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_pixel_loses_nothing_in_any_precision(dtype: torch.dtype) -> None:
    frames = torch.arange(256).repeat(9)[: 8 * 8 * 3 * 3].reshape(1, 3, 8, 8, 3).to(torch.uint8)
    codec = PixelCodec(4)
    latents = codec.encode(frames)
    assert latents.shape == (1, 48, 3, 2, 2) and codec.channels == 48
    assert torch.equal(codec.decode(latents.to(dtype)), frames.float() / 255)


def test_pca_of_full_rank_loses_nothing_and_of_less_rank_a_little() -> None:
    smooth = torch.nn.functional.interpolate(torch.rand(20, 3, 3, 4), (16, 24), mode="bilinear").movedim(1, -1)
    frames = (smooth * 255).to(torch.uint8)
    full = PCACodec.fit(frames, 4, 48, 0.5)
    assert torch.allclose(full.decode(full.encode(frames[None])), frames[None] / 255, atol=1e-3)
    part = PCACodec.fit(frames, 4, 12, 0.5)
    assert (part.decode(part.encode(frames[None])) - frames[None] / 255).pow(2).mean() < 1e-3
    assert 0.5 < part.encode(frames[None]).var() < 2


def test_a_difference_of_pixels_is_a_difference_of_pca_latents() -> None:
    frames = picture(2)
    codec = PCACodec.fit(frames[0], 4, 20, 0.5)
    change = (frames[:, 1:].float() - frames[:, :1].float()) / 255
    latents = codec.encode(frames)
    assert torch.allclose(codec.encode_change(change), latents[:, :, 1:] - latents[:, :, :1], atol=1e-4)


def codecs(wan: CodecConfig) -> list[tuple[CodecConfig, Codec]]:
    """Of every kind that is registered."""
    settings = [wan if name == wan.name else least(name) for name in CODECS]
    return [(config, make_codec(config, picture(30)[0])) for config in settings]


def least(name: str) -> CodecConfig:
    """With as few channels as that codec allows, but 10."""
    tried = (CodecConfig(name=name, patch=8, channels=channels) for channels in range(10, 193))
    return next(one for one in tried if all(check.good for check in codec_class(one).checks(Config(codec=one))))


def test_every_codec_keeps_the_sizes_it_names(wan: CodecConfig) -> None:
    for config, codec in codecs(wan):
        frames = picture(5)
        latents = codec.encode(frames)
        assert (codec.name, codec.patch, codec.time) == (config.name, config.patch, config.time)
        assert latents.shape == (1, config.channels, 1 + 4 // codec.time, 2, 3) and latents.dtype == torch.float32
        shown = codec.decode(latents)
        assert shown.shape == frames.shape and shown.dtype == torch.float32
        assert shown.min() >= 0 and shown.max() <= 1


def test_a_video_after_true_frames_is_decoded_as_ever_by_a_codec_over_time(wan: CodecConfig) -> None:
    codec, frames = make_codec(wan), picture(5)
    latents = codec.encode(frames)
    assert torch.equal(decode_after(codec, latents, frames[:, :1]), codec.decode(latents))


def test_a_codec_comes_back_from_its_state_with_its_digest(wan: CodecConfig) -> None:
    digests = set()
    for config, codec in codecs(wan):
        again = codec_from_state(config, codec.state())
        assert again.digest() == codec.digest() and len(codec.digest()) == 16
        assert torch.equal(again.encode(picture(5)), codec.encode(picture(5)))
        digests.add(codec.digest())
    assert len(digests) == len(CODECS)


@given(st.integers(0, 47), st.floats(1e-6, 1, allow_subnormal=False))
def test_another_value_is_another_digest(place: int, more: float) -> None:
    codec = PCACodec.fit(picture(4)[0], 4, 6, 0.5)
    mean = codec.mean.clone()
    mean[place] += max(more, float(mean[place]) * 1e-6)
    assert PCACodec(4, mean, codec.basis, codec.scale).digest() != codec.digest()


def test_the_state_of_another_codec_is_one_line() -> None:
    pixel, pca = CodecConfig(name="pixel", patch=4, channels=48), CodecConfig(name="pca", patch=4, channels=6)
    with pytest.raises(GoaltraceError, match="not the state of a pca codec"):
        codec_from_state(pca, PixelCodec(4).state())
    with pytest.raises(GoaltraceError, match="made with patch 8 and 192 channels, the settings say 4 and 48"):
        codec_from_state(pixel, PixelCodec(8).state())


def test_wan_latents_are_the_means_brought_to_unit_variance(wan: CodecConfig, wan_folder: Path) -> None:
    codec = WanCodec.load(wan.weights, 16)
    frames = picture(9)
    latents = codec.encode(frames)
    with torch.no_grad():
        means = codec.module.encode(frames.float().movedim(-1, 1) / 127.5 - 1).latent_dist.mode()
    mean, std = (torch.tensor(codec.module.config[name]).view(16, 1, 1, 1) for name in ("latents_mean", "latents_std"))
    assert torch.allclose(latents[0] * std + mean, means[0], atol=1e-5)


def test_wan_frames_do_not_see_later_ones(wan: CodecConfig) -> None:
    codec = make_codec(wan)
    frames = picture(9)
    assert torch.allclose(codec.encode(frames)[:, :, :2], codec.encode(frames[:, :5]), atol=1e-5)


def test_wan_with_other_weights_is_refused(wan: CodecConfig) -> None:
    state = make_codec(wan).state()
    state["weights"] = state["weights"].flip(0)
    with pytest.raises(GoaltraceError, match="not the weights this was made with"):
        codec_from_state(wan, state)


def test_what_is_not_a_wan_autoencoder_is_one_line(wan_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="no such folder"):
        WanCodec.load(str(tmp_path / "none"), 16)
    with pytest.raises(GoaltraceError, match=r"no config\.json"):
        WanCodec.load(str(tmp_path), 16)
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    (tmp_path / "model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(GoaltraceError, match=r"no \*\.safetensors in it \(pickled weights are not read\)"):
        WanCodec.load(str(tmp_path), 16)
    weights = wan_folder / "diffusion_pytorch_model.safetensors"
    (tmp_path / weights.name).write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(GoaltraceError, match="'AutoencoderKL', not 'AutoencoderKLWan'"):
        WanCodec.load(str(tmp_path), 16)
    (tmp_path / "config.json").write_bytes((wan_folder / "config.json").read_bytes())
    with pytest.raises(GoaltraceError, match="cannot be read as AutoencoderKLWan"):
        WanCodec.load(str(tmp_path), 16)
    with pytest.raises(GoaltraceError, match=r"16 channels.*needed: 48 channels"):
        WanCodec.load(str(wan_folder), 48)


def test_without_diffusers_wan_says_what_to_install(wan: CodecConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(GoaltraceError, match="'diffusers'; pip install diffusers safetensors"):
        make_codec(wan)
