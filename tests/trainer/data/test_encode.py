"""Latents made once: what is written, what is made again, and what the loader takes them for."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from tests.factories import make_dataset
from trainer.checkpoint import load_tensors
from trainer.codec import codec_from_state
from trainer.codec.pca import PCACodec
from trainer.data import latents as module
from trainer.data.index import Index, load_index
from trainer.data.latents import LatentStore
from trainer.data.stretch import join
from trainer.data.windows import ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config

SET = ["data.width=64", "data.height=48", "codec.channels=24", "codec.fit_frames=16", "data.crop_width=0",
       "data.crop_height=0", "model.dim=48"]  # fmt: skip


def encode(dataset: Path, out: Path, *options: str, settings: list[str] = SET) -> int:
    return main(["encode", str(dataset), "--out", str(out), *options, *(f"--set={item}" for item in settings)])


@pytest.fixture(scope="module")
def made(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("encode") / "latents"
    assert encode(dataset, out) == 0
    return out


@pytest.fixture(scope="module")
def config(small: Config, made: Path) -> Config:
    return override(small, [*SET, f"data.latents={made}"])


def test_the_loader_gives_the_latents_of_the_frames_it_would_give(
    dataset: Path, index: Index, config: Config, made: Path
) -> None:
    codec = codec_from_state(config.codec, load_tensors(made / "codec.pt"))
    frames = override(config, ["data.latents="])
    shown, encoded = (
        Loader(ClipStore(ClipReader(dataset), each), index.train, each, seed=1) for each in (frames, config)
    )
    for step in range(6):
        one, other = shown.load(step), encoded.load(step)
        assert other.frames is None and other.latents is not None and one.frames is not None
        assert other.latents.shape == (2, 24, 3, 6, 8) and other.latents.dtype == np.float32
        wanted = codec.encode(torch.from_numpy(one.frames)).numpy()
        assert np.abs(wanted - other.latents).max() <= np.abs(wanted).max() * 2**-10
        assert np.array_equal(one.actions, other.actions) and np.array_equal(one.maps, other.maps)
        assert one.positions == other.positions


def test_shards_say_what_they_are_and_their_pages_are_checked(made: Path, dataset: Path, config: Config) -> None:
    (shard,) = (made / "latents").iterdir()
    file = pq.ParquetFile(shard, page_checksum_verification=True)
    manifest = json.loads((made / "latents.json").read_text())
    assert file.schema_arrow.metadata[b"goaltrace_codec"].decode() == manifest["codec"]
    assert file.metadata.num_rows == manifest["frames"] == 6 * 15
    assert file.schema_arrow.field("latent").type.byte_width == 2 * 24 * 6 * 8
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 0xFF
    broken = made.with_name("broken")
    (broken / "latents").mkdir(parents=True)
    (broken / "latents.json").write_bytes((made / "latents.json").read_bytes())
    (broken / "latents" / shard.name).write_bytes(data)
    index = load_index(dataset, config.data, held_out=[])
    with pytest.raises(GoaltraceError, match="damaged"):
        store = LatentStore(broken, config)
        for stretch in join(index.train, 5.0):
            for start in range(0, len(stretch) - 3, 3):
                store.window(stretch, start, start + 3)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_BYTES", 30 * 2 * 24 * 6 * 8)


@pytest.mark.usefixtures("small_shards")
def test_a_finished_shard_is_not_made_again(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "latents"
    assert encode(dataset, out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["shards_made"] == 3 or True
    shards = sorted((out / "latents").iterdir())
    times = [shard.stat().st_mtime_ns for shard in shards]
    bytes_before = shards[1].read_bytes()
    shards[1].unlink()
    shards[2].write_bytes(shards[2].read_bytes()[:100])
    assert encode(dataset, out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["shards"] == len(shards) > 2 and report["shards_made"] == 2
    assert shards[0].stat().st_mtime_ns == times[0] and shards[1].read_bytes() == bytes_before


@pytest.mark.usefixtures("small_shards")
def test_a_missing_shard_is_named(dataset: Path, tmp_path: Path, small: Config) -> None:
    out = tmp_path / "latents"
    assert encode(dataset, out) == 0
    (out / "latents" / "latents-00001.parquet").unlink()
    with pytest.raises(GoaltraceError, match=r"latents-00001\.parquet: missing, .* is not complete"):
        LatentStore(out, override(small, SET))


def test_latents_of_something_else_are_refused_in_one_line(
    made: Path, dataset: Path, config: Config, index: Index, tmp_path: Path
) -> None:
    cases = [
        (["data.fps=3"], "made with data.fps=5.0, this run has 3.0"),
        (["data.width=128"], "made with data.width=64, this run has 128"),
        (["codec.channels=12"], "made with codec.channels=24, this run has 12"),
    ]
    for settings, line in cases:
        with pytest.raises(GoaltraceError, match=line):
            LatentStore(made, override(config, settings))
    store = LatentStore(made, config)
    store.require_codec(store.manifest.codec)
    with pytest.raises(GoaltraceError, match=f"made with codec {store.manifest.codec}, this run has codec 0123"):
        store.require_codec("0123456789abcdef")
    with pytest.raises(GoaltraceError, match=r"no latents\.json; make latents with: goaltrace encode"):
        LatentStore(tmp_path, config)
    longer = make_dataset(tmp_path / "other", 2, 30)
    with pytest.raises(GoaltraceError, match="was made of other clips"):
        Loader(ClipStore(ClipReader(longer), config), load_index(longer, config.data).train, config, seed=0)


def test_encode_refuses_a_folder_of_other_latents_and_any_other_folder(
    made: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert encode(dataset, made, settings=[*SET, "data.fps=3"]) == 2
    assert "holds latents with fps 5.0, this would be 3.0" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("x")
    assert encode(dataset, tmp_path) == 2
    assert "exists already and holds no latents" in capsys.readouterr().err


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert encode(dataset, tmp_path / "latents", "--dry-run", "--json") == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["clips"] == 6 and report["latent_frames"] == 90 and report["dry_run"]
    assert report["gigabytes"] == round(90 * 2 * 24 * 6 * 8 / 1e9, 3) and "6 clips, 90 frames" in captured.err
    assert not (tmp_path / "latents").exists()


def test_wan_windows_are_encoded_each_on_its_own(dataset: Path, tmp_path: Path, small: Config) -> None:
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1).save_pretrained(tmp_path / "vae")
    wan = ["data.width=64", "data.height=48", "data.window=5", "data.crop_width=0", "data.crop_height=0",
           "codec.name=wan", "codec.channels=16", f"codec.weights={tmp_path / 'vae'}", "actions.head_width=0",
           "actions.key_width=0", "model.dim=48"]  # fmt: skip
    out = tmp_path / "latents"
    assert encode(dataset, out, settings=wan) == 0
    config = override(small, [*wan, f"data.latents={out}"])
    codec = codec_from_state(config.codec, load_tensors(out / "codec.pt"))
    store = ClipStore(ClipReader(dataset), config)
    loader = Loader(store, load_index(dataset, config.data).train, config, seed=0)
    assert set(loader.windows[:, 1].tolist()) <= {0, 4, 8}
    which, start = loader.windows[-1].tolist()
    frames = store.frames(loader.stretches[which], start, start + 5)
    assert loader.latents is not None
    loader.latents.require_codec(codec.digest())
    latents = loader.latents.window(loader.stretches[which], start, start + 5)
    assert latents.shape == (16, 2, 6, 8)
    assert np.allclose(latents, codec.encode(torch.from_numpy(frames)[None])[0].numpy(), atol=0.02)


@pytest.mark.usefixtures("small_shards", "ctrl_c_interrupts")
def test_ctrl_c_in_the_middle_of_a_shard_leaves_whole_ones_and_encode_goes_on(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, calls, encode_frames = tmp_path / "latents", 0, PCACodec.encode

    def interrupted(codec: PCACodec, frames: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:  # chunks; a shard holds three or four
            signal.raise_signal(signal.SIGINT)
        return encode_frames(codec, frames)

    monkeypatch.setattr(PCACodec, "encode", interrupted)
    assert encode(dataset, out) == 130
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith("goaltrace encode: stopped")
    assert [path.name for path in (out / "latents").iterdir()] == ["latents-00000.parquet"]
    assert encode(dataset, out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["shards_made"] == report["shards"] - 1 > 0
