"""Which clips are used, how they are split, and how those of a session are joined."""

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
from tests.factories import write_dataset
from tests.trainer.data.rows import cut, sessions
from trainer.data.clip import Clip, pick_frames
from trainer.data.index import Index, choose_held_out, load_index
from trainer.data.stretch import ClipStretch, join
from trainer.settings.config import Config


def test_frames_are_picked_by_the_clock_not_by_their_number() -> None:
    steady = [int(i * 1e9 / 15) for i in range(30)]
    assert pick_frames(steady, 5.0) == list(range(0, 30, 3))
    gap = [*steady[:10], *steady[16:]]  # six frames not recorded: the last one is still on the screen
    assert pick_frames(gap, 5.0) == [0, 3, 6, 9, 9, 9, 12, 15, 18, 21]


def test_no_session_is_trained_on_and_held_out(index: Index) -> None:
    trained = {clip.session for clip in index.train}
    assert index.held_out and not trained & set(index.held_out_sessions)
    assert {clip.row["arm"] for clip in index.held_out} == {"scripted", "random-fast"}


def test_the_split_does_not_depend_on_the_order_of_clips(index: Index) -> None:
    clips = [*index.train, *index.held_out]
    assert choose_held_out(clips, 0.15) == choose_held_out(clips[::-1], 0.15)


@pytest.fixture(scope="module")
def whole() -> list[dict[str, Any]]:
    return sessions(60)


@pytest.fixture(scope="module")
def pieces(whole: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each session in three clips of 25, 3 and 32 frames."""
    rows = [part for row in whole for part in cut(row, 25, 28)]
    return write_dataset(tmp_path_factory.mktemp("pieces") / "set", rows)


def test_clips_of_a_session_are_one_stretch_on_one_grid(
    whole: list[dict[str, Any]], pieces: Path, small: Config
) -> None:
    index = load_index(pieces, small.data, held_out=[])
    assert len(index.train) == 12 and not index.left_out  # a clip too short for a window is part of a longer stretch
    stretches = join(index.train[::-1], 5.0)
    assert sorted(stretch.key for stretch in stretches) == sorted(f"{row['session_id']}-0000" for row in whole)
    for stretch in stretches:
        (row,) = [row for row in whole if row["session_id"] == stretch.clips[0].session]
        alone = ClipStretch.of([Clip(row, 5.0)], 5.0)
        assert stretch.frames.tolist() == alone.frames.tolist() == alone.clips[0].frames
        assert stretch.busy().tolist() == alone.busy().tolist()


def test_a_gap_of_time_or_of_numbers_ends_a_stretch(whole: list[dict[str, Any]], small: Config) -> None:
    rows = cut(whole[0], 20, 40)

    def lengths(*parts: dict[str, Any]) -> list[int]:
        return [len(stretch.clips) for stretch in join([Clip(row, 5.0) for row in parts], 5.0)]

    assert lengths(*rows) == [3]
    assert lengths(rows[0], rows[2]) == [1, 1]
    late = {**rows[2], "t1_ns": [t + 200_000_000 for t in rows[2]["t1_ns"]]}
    assert lengths(rows[0], rows[1], late) == [2, 1]
    assert lengths(rows[0], {**rows[1], "width": 100}) == [1, 1]
    assert lengths(rows[0], {**rows[1], "session_id": "other"}) == [1, 1]


@given(cuts=st.sets(st.integers(2, 58), max_size=4), slots=st.lists(st.integers(0, 59), max_size=5))
def test_joined_clips_say_what_the_whole_one_says(cuts: set[int], slots: list[int]) -> None:
    times = [int(i * 1e9 / 15) for i in range(60)]
    base = {
        "session_id": "s", "kind": "desktop", "width": 9, "height": 9, "cursor_in_pixels": True, "fps": 15.0,
    }  # fmt: skip
    bounds = [0, *sorted(cuts), 60]
    clips = [
        Clip(
            {
                **base, "clip_id": f"s-{n}", "clip_index": n, "t1_ns": times[a:b], "changed": [0.0] * (b - a),
                "frame_redacted": [False] * (b - a),
                "actions": [{"slot": slot - a} for slot in sorted(slots) if a <= slot < b],
            },
            5.0,
        )
        for n, (a, b) in enumerate(zip(bounds, bounds[1:], strict=False))
        if b - a > 1
    ]  # fmt: skip
    if any(b - a == 1 for a, b in zip(bounds, bounds[1:], strict=False)):
        return
    (stretch,) = join(clips, 5.0)
    assert stretch.frames.tolist() == pick_frames(times, 5.0)
    expected = [any(low <= slot < high for slot in slots) for low, high in zip([0, *stretch.frames], stretch.frames,
                                                                           strict=False)]  # fmt: skip
    assert stretch.busy().tolist() == expected
    for k in range(len(stretch)):
        first, stop = stretch.clips_of(k, k + 1)
        assert stretch.starts[first] <= stretch.frames[k] < stretch.starts[stop] and stop == first + 1
        low, high = stretch.frames_of(first, stop)
        assert low <= k < high


def test_only_invalid_or_slow_clips_are_one_line(whole: list[dict[str, Any]], tmp_path: Path, small: Config) -> None:
    rows = [{**whole[0], "invalid_reasons": ["gap"]}, {**whole[1], "fps": 2.0}]
    with pytest.raises(GoaltraceError, match="no usable clips \\(1 not valid; 1 slower than 5 fps\\)"):
        load_index(write_dataset(tmp_path / "set", rows), small.data)
    long = dataclasses.replace(small.data, window=999)
    with pytest.raises(GoaltraceError, match="shorter than a window of 999 frames"):
        load_index(write_dataset(tmp_path / "two", whole[:2]), long)


def test_video_shards_are_not_opened_by_the_index(pieces: Path, small: Config) -> None:
    asked: list[str] = []

    def fetch(path: str) -> Path:
        asked.append(path)
        return pieces / path

    reader = ClipReader(pieces, fetch)
    clip = load_index(reader, small.data, held_out=[]).train[1]
    assert np.isfinite(clip.row["changed"]).all()
    assert all(path.startswith("events/") for path in asked)
    reader.read(clip.id, ["video"])
    assert asked[-1].startswith("clips/")
