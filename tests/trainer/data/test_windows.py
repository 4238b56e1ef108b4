"""Windows, batches and what is decoded for them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.video import decode, pictures_at
from tests.factories import make_clip, write_dataset
from tests.trainer.data.rows import cut, sessions
from trainer.data import store as module
from trainer.data.clip import Clip
from trainer.data.index import Index, load_index
from trainer.data.stretch import ClipStretch
from trainer.data.windows import Batch, ClipStore, Loader, crop_corner, list_windows
from trainer.settings import override
from trainer.settings.config import Config

WHOLE = ["data.crop_width=0", "data.crop_height=0"]


def loader_of(dataset: Path, config: Config, clips: list[Clip], rank: int = 0, world: int = 1) -> Loader:
    return Loader(ClipStore(ClipReader(dataset), config), clips, config, 3, rank, world)


def same(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("frames", "actions", "maps", "points")]
    return one.goals == other.goals and one.positions == other.positions and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs
    )  # fmt: skip


def together(parts: list[Batch]) -> Batch:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts])
              for name in ("frames", "actions", "maps", "points")}  # fmt: skip
    goals = [goal for part in parts for goal in part.goals]
    return Batch(**arrays, latents=None, goals=goals, positions=[p for part in parts for p in part.positions])


@pytest.mark.parametrize("encoding", ["raw", "meta"])
def test_a_batch_has_the_shapes_it_names(dataset: Path, index: Index, small: Config, encoding: str) -> None:
    config = override(small, [f"actions.encoding={encoding}", *WHOLE])
    batch = loader_of(dataset, config, index.train).load(5)
    assert batch.frames is not None and batch.frames.shape == (2, 3, 48, 64, 3) and batch.latents is None
    assert batch.actions.shape == ((2, 3, 3, 182) if encoding == "raw" else (2, 3, 2, 24))
    assert batch.actions.dtype == (np.uint8 if encoding == "raw" else np.int16)
    assert batch.maps.shape == (2, 3, 48, 64) and batch.points.shape == (2, 3, 2)
    assert batch.goals == ["Light every box"] * 2 and batch.positions == [10, 11]


def test_batches_do_not_depend_on_the_workers(dataset: Path, index: Index, small: Config) -> None:
    def batches(workers: int) -> list[Batch]:
        made = loader_of(dataset, override(small, [f"data.workers={workers}"]), index.train)
        found = list(made.iterate(2, 7))
        assert made.waited > 0
        return found

    for one, three in zip(batches(0), batches(3), strict=True):
        assert same(one, three)


@pytest.mark.parametrize("crops", [True, False])
def test_the_ranks_batches_together_are_the_one_of_a_single_rank(
    dataset: Path, index: Index, small: Config, crops: bool
) -> None:
    config = override(small, ["train.batch=12", *([] if crops else WHOLE)])
    alone = loader_of(dataset, config, index.train)
    for world in (2, 4):
        ranks = [loader_of(dataset, config, index.train, rank, world) for rank in range(world)]
        for step in range(4):
            assert same(together([rank.load(step) for rank in ranks]), alone.load(step))


def test_positions_are_never_the_same_twice(loader: Loader) -> None:
    positions = [position for step in range(8) for position in loader.load(step).positions]
    assert len(set(positions)) == len(positions)


def test_a_batch_that_cannot_be_shared_is_one_line(dataset: Path, index: Index, small: Config) -> None:
    with pytest.raises(GoaltraceError, match=r"train\.batch: a step's 2 windows cannot be shared evenly by 3 ranks"):
        loader_of(dataset, override(small, WHOLE), index.train, 0, 3)


def test_a_window_across_a_cut_is_that_of_the_session_whole(tmp_path: Path, small: Config) -> None:
    rows = sessions(60)
    config = override(small, [*WHOLE, "data.idle_share=1"])
    parts = write_dataset(tmp_path / "cut", [part for row in rows for part in cut(row, 25, 28)])
    one, many = (
        loader_of(path, config, load_index(path, config.data, held_out=[]).train)
        for path in (write_dataset(tmp_path / "whole", rows), parts)
    )
    assert one.windows.tolist() == many.windows.tolist() and len(one.windows) == 4 * 18
    apart = []
    for step in range(36):
        a, b = one.load(step), many.load(step)
        assert np.array_equal(a.actions, b.actions) and a.goals == b.goals
        assert a.frames is not None and b.frames is not None
        apart.append(np.abs(a.frames.astype(int) - b.frames).max())
        assert np.abs(a.points - b.points).max() <= 14 * 0.2  # a clip's start is where its pointer was seen
    assert np.mean(apart) < 20  # encoded twice


def test_a_clip_looked_at_alone_leaves_the_windows_over_its_cut_whole(tmp_path: Path, small: Config) -> None:
    """Preparing looks at clips alone; where the recorder paused at a cut, the session's grid has one frame more."""
    row = make_clip("scripted", 0, 60)
    pause = round(1.3 * float(np.median(np.diff(row["t1_ns"]))))
    row |= {name: [t + pause * (n >= 27) for n, t in enumerate(row[name])] for name in ("t0_ns", "t1_ns")}
    path = write_dataset(tmp_path / "cut", [*cut(row, 27), *cut(make_clip("scripted", 1, 60), 27)])
    config = override(small, [*WHOLE, "data.idle_share=1"])
    clips = load_index(path, config.data, held_out=[]).train
    fresh, used = loader_of(path, config, clips), loader_of(path, config, clips)
    for clip in clips:
        used._store.get(clip)
    assert len(ClipStretch.of(clips[:1], config.data.fps)) < used.stretches[0].frames_of(0, 1)[1]
    assert all(same(fresh.load(step), used.load(step)) for step in range(len(used.windows) // 2))


def test_only_what_windows_need_is_decoded(dataset: Path, index: Index, small: Config) -> None:
    config = override(small, ["data.cache_mb=0"])
    store = ClipStore(ClipReader(dataset), config)
    stretch = ClipStretch.of([index.train[0]], 5.0)
    row = store.reader.read(index.train[0].id)
    every = decode(row["video"]["bytes"], (64, 48))
    frames = store.frames(stretch, 4, 7)
    assert (frames == every[stretch.frames[4:7]]).all()
    for places in ([20], [26, 3], [14, 15, 44], range(45)):
        times = {row["pts"][place]: every[place] for place in places}
        found = pictures_at(row["video"]["bytes"], times, (64, 48))
        assert found.keys() == times.keys() and all((found[at] == picture).all() for at, picture in times.items())


def test_with_room_in_the_cache_a_clip_is_decoded_once(
    tmp_path: Path, small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = write_dataset(tmp_path / "cut", [part for row in sessions(60) for part in cut(row, 25, 28)])
    runs = []
    monkeypatch.setattr(module, "pictures_at", lambda *args: runs.append(args[0]) or pictures_at(*args))
    config = override(small, [*WHOLE, "data.workers=3"])
    loader = loader_of(parts, config, load_index(parts, config.data, held_out=[]).train)
    assert sum(1 for _ in loader.iterate(0, len(loader.windows))) == len(loader.windows)  # two epochs
    assert len(runs) == len(set(runs)) == 12


def test_of_data_larger_than_the_cache_a_picture_is_decoded_once_an_epoch(
    tmp_path: Path, small: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = write_dataset(tmp_path / "set", [part for row in sessions(300) for part in cut(row, 75, 150, 225)])
    asked: list[int] = []
    monkeypatch.setattr(module, "pictures_at", lambda *args: asked.append(len(args[1])) or pictures_at(*args))
    config = override(small, [*WHOLE, "data.width=128", "data.height=96", "data.cache_mb=6", "data.shuffle=50"])
    loader = loader_of(dataset, config, load_index(dataset, config.data, held_out=[]).train)
    decoded = 400 * 3 * 128 * 96
    assert len(loader.windows) > 300 and decoded > 2 * config.data.cache_mb * 2**20
    for _ in loader.iterate(0, len(loader.windows) // config.train.batch):
        assert loader._store._cache.nbytes <= config.data.cache_mb * 2**20
    assert 400 <= sum(asked) < 1.2 * 400  # some once more, for windows over a cut


def test_the_cache_is_bounded(dataset: Path, index: Index, small: Config) -> None:
    store = ClipStore(ClipReader(dataset), override(small, ["data.cache_mb=0"]))
    for clip in index.train:
        store.get(clip)
    assert len(store._cache) == 0 and store._cache.nbytes == 0
    roomy = ClipStore(ClipReader(dataset), small)
    for clip in index.train:
        roomy.get(clip)
    assert 0 < roomy._cache.nbytes <= small.data.cache_mb * 2**20 and not roomy._cache.overflowed


def test_a_clip_whose_video_lacks_frames_is_named(dataset: Path, small: Config) -> None:
    store = ClipStore(ClipReader(dataset), small)
    row = make_clip("scripted", 0, frames=45)
    times = [*row["t1_ns"], row["t1_ns"][-1] + 1]
    with pytest.raises(GoaltraceError, match="scripted-0-0000: t1_ns, pts and picture differ in length"):
        store.get(Clip({**row, "t1_ns": times}, 5.0))
    with pytest.raises(GoaltraceError, match="scripted-0-0000: picture does not count up from 0"):
        store.get(Clip({**row, "picture": [0, *range(2, 46)]}, 5.0))
    with pytest.raises(GoaltraceError, match="scripted-0-0000: the video has no picture at"):
        store.get(Clip({**row, "pts": [pts + 7 * (n > 20) for n, pts in enumerate(row["pts"])]}, 5.0))


def test_a_picture_stored_once_is_every_frame_that_shows_it(tmp_path: Path, small: Config) -> None:
    each, once = (make_clip("scripted", 0, frames=60, pause=12, once=flag) for flag in (False, True))
    assert max(once["picture"]) < max(each["picture"]) == 59
    every, repeated = (
        ClipStore(ClipReader(write_dataset(tmp_path / str(n), [row])), small).get(Clip(row, 5.0))
        for n, row in enumerate((each, once))
    )
    assert len(repeated.frames) == len(every.frames) == 20
    close = np.abs(every.frames.astype(int) - repeated.frames) <= 60  # two encodings of the same pictures
    assert close.mean() > 0.99
    assert np.array_equal(every.actions, repeated.actions)


def test_no_window_holds_a_frame_left_blank(index: Index, small: Config) -> None:
    row = {**index.train[0].row, "frame_redacted": [i in (19, 20) for i in range(45)]}
    clip = Clip(row, 5.0)
    assert np.flatnonzero(clip.blank()).tolist() == [7]  # frame 21: what led to it was not to be seen
    stretch = ClipStretch.of([clip], 5.0)
    assert stretch.blank().tolist() == clip.blank().tolist()
    windows = list_windows([stretch], dataclasses.replace(small.data, idle_share=1.0))
    assert len(windows)
    for _, start in windows:
        assert not start <= 7 < start + small.data.window


@given(busy=st.lists(st.booleans(), min_size=3, max_size=40), share=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_idle_windows_are_thinned_and_others_are_all_there(busy: list[bool], share: float) -> None:
    class Recorded:
        def __len__(self) -> int:
            return len(busy)

        def busy(self) -> Any:
            return np.array(busy)

        def blank(self) -> Any:
            return np.zeros(len(busy), bool)

    config = dataclasses.replace(Config().data, window=3, idle_share=share)
    acts = [start for start in range(len(busy) - 2) if any(busy[start + 1 : start + 3])]
    idle = len(busy) - 2 - len(acts)
    try:
        starts = [start for _, start in list_windows([Recorded()], config)]  # type: ignore[list-item]
    except GoaltraceError:
        starts = []
    assert set(acts) <= set(starts) and starts == sorted(starts)
    assert len(starts) - len(acts) == int(idle * share)


def test_crops_and_whole_pictures_each_go_through_every_window(loader: Loader, small: Config) -> None:
    batches = [loader.load(step) for step in range(4)]
    sizes = [batch.frames.shape[:4] for batch in batches if batch.frames is not None]
    crop, whole = (small.train.batch, 3, 32, 32), (small.whole_batch, 3, 48, 64)
    assert sizes == [crop, whole, crop, whole]


def test_a_crops_pointer_is_counted_from_its_corner(dataset: Path, index: Index, small: Config) -> None:
    loader = loader_of(dataset, override(small, ["train.batch=24"]), index.train)
    batch = loader.load(0)
    for maps, points in zip(batch.maps.reshape(-1, 32, 32), batch.points.reshape(-1, 2), strict=True):
        if 0 <= points[0] < 28 and 0 <= points[1] < 26:
            rows, columns = np.nonzero(maps)
            assert abs(rows.min() - points[1]) <= 1.5 and abs(columns.min() - points[0]) <= 1.5


@given(seed=st.integers(0, 1000), x=st.integers(0, 63), y=st.integers(0, 47))
def test_a_crop_lies_inside_the_picture(seed: int, x: int, y: int) -> None:
    frames = np.zeros((2, 48, 64, 3), np.uint8)
    frames[1, y, x] = 255
    left, top = crop_corner(frames, frames[..., 0] / np.float32(255), (32, 16), np.random.default_rng(seed))
    assert 0 <= left <= 32 and 0 <= top <= 32
