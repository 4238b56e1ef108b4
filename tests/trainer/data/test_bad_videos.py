"""A clip whose video does not decode ends neither `encode` nor `train`, and changes nothing of what ranks agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, Progress, ignore
from tests.factories import make_clip, write_dataset
from trainer.data.index import load_index
from trainer.data.windows import Batch, ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config


def spoilt_dataset(path: Path, bad: int, of: int = 8, garbage: bytes = b"\x11\xfe\x03" * 9) -> Path:
    """Of `of` clips the last half of `bad` videos is garbage."""
    rows: list[dict[str, Any]] = []
    for number in range(of):
        row = make_clip("scripted", number, 45)
        if number < bad:
            video = row["video"]["bytes"]
            row["video"] = {**row["video"], "bytes": video[: len(video) // 4] + garbage * (len(video) // 36)}
        rows.append(row)
    return write_dataset(path, rows)


def loader_of(dataset: Path, config: Config, rank: int = 0, world: int = 1, on_progress: OnProgress = ignore) -> Loader:
    index = load_index(dataset, config.data, held_out=[])
    return Loader(ClipStore(ClipReader(dataset), config, on_progress), index.train, config, 3, rank, world)


def same(one: Batch, other: Batch) -> bool:
    assert one.frames is not None and other.frames is not None
    return bool(
        np.array_equal(one.frames, other.frames) and np.array_equal(one.actions, other.actions)
        and np.array_equal(one.maps, other.maps) and one.goals == other.goals
    )  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spoilt_dataset(tmp_path_factory.mktemp("bad") / "boxes", bad=2)


def test_a_bad_window_is_replaced_by_the_same_one_on_every_rank_and_after_every_stop(
    spoilt: Path, small: Config
) -> None:
    steps = 40
    said: list[Progress] = []
    alone = loader_of(spoilt, small, on_progress=said.append)
    batches = [alone.load(step) for step in range(steps)]
    assert 1 <= alone.left_out <= 2 and all(batch.frames is not None and batch.frames.any() for batch in batches)
    assert len(said) == alone.left_out and all("left out: clip " in progress.message for progress in said)
    with_threads = loader_of(spoilt, override(small, ["data.workers=3"]))
    assert all(map(same, with_threads.iterate(11, steps), batches[11:]))
    no_cache = loader_of(spoilt, override(small, ["data.cache_mb=0"]))
    assert all(same(no_cache.load(step), batches[step]) for step in (29, 7, 8, 3))
    uncropped = override(small, ["data.crop_width=0", "data.crop_height=0"])
    alone = loader_of(spoilt, uncropped)
    for rank in range(2):
        part = loader_of(spoilt, uncropped, rank, 2)
        for step in range(20):
            mine, whole = part.load(step), alone.load(step)
            assert mine.frames is not None and whole.frames is not None
            count = len(mine.frames)
            assert np.array_equal(mine.frames, whole.frames[rank * count : (rank + 1) * count])


def test_a_data_set_of_which_most_is_bad_ends_in_one_line(tmp_path: Path, small: Config) -> None:
    loader = loader_of(spoilt_dataset(tmp_path / "boxes", bad=5), small)
    with pytest.raises(GoaltraceError, match="of 8 clips cannot be decoded"):
        for step in range(100):
            loader.load(step)


def test_training_goes_on_and_counts_what_it_left_out(
    spoilt: Path, tmp_path: Path, small_settings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    settings = [f"--set={item}" for item in (*small_settings, "train.steps=12")]
    assert main(["train", str(spoilt), "--out", str(out), "--preset", "tiny", "--device", "cpu", *settings]) == 0
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 12 and lines[-1]["clips_left_out"] in (1, 2)
    assert "warning: left out: clip " in capsys.readouterr().err


@pytest.mark.parametrize("window", [3, 6])
def test_encoding_leaves_out_what_cannot_be_decoded_and_training_has_no_window_there(
    spoilt: Path, tmp_path: Path, small_settings: list[str], capsys: pytest.CaptureFixture[str], window: int
) -> None:
    out = tmp_path / "latents"
    wanted = [*small_settings, "data.crop_width=0", "data.crop_height=0", f"data.window={window}"]
    command = ["encode", str(spoilt), "--out", str(out), "--json", *(f"--set={item}" for item in wanted)]
    assert main(command) == 1
    told = capsys.readouterr()
    first = json.loads(told.out)
    assert first["shards_made"] == 1 and 0 < first["frames_left_out"] < first["frames"] // 3
    assert "warning: left out: clip " in told.err and "are left out" in told.err
    assert main(command) == 1  # what was left out is remembered, and nothing is made again
    second = json.loads(capsys.readouterr().out)
    assert second["shards_made"] == 0 and second["frames_left_out"] == first["frames_left_out"]

    from trainer.settings.presets import preset

    config = override(preset("tiny"), [*wanted, f"data.latents={out}"])
    whole = loader_of(spoilt, override(config, ["data.latents="]))
    loader = loader_of(spoilt, config)
    assert 0 < len(loader.windows) < len(whole.windows)
    for step in range(20):
        batch = loader.load(step)
        assert batch.latents is not None and np.isfinite(batch.latents).all()


def test_an_evaluation_leaves_out_a_clip_that_cannot_be_decoded(spoilt: Path, tmp_path: Path, small: Config) -> None:
    from trainer.evaluation.scenes import choose_scenes

    clips = load_index(spoilt, small.data, held_out=[]).train
    said: list[Progress] = []
    scenes = choose_scenes(ClipStore(ClipReader(spoilt), small, said.append), clips, small, count=8, frames=4)
    assert len(scenes) == 6
    assert sum("left out: clip " in progress.message for progress in said) == 2
    dataset = spoilt_dataset(tmp_path / "boxes", bad=3, of=3)
    clips = load_index(dataset, small.data, held_out=[]).train
    with pytest.raises(GoaltraceError, match="no held-out clip that was looked at can be decoded"):
        choose_scenes(ClipStore(ClipReader(dataset), small), clips, small, count=3, frames=4)
