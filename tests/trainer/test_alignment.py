"""What reaches the model, and in which order."""

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
from tests.factories import make_clip
from trainer.config import Config, override
from trainer.data.actions import FEATURES, encode_actions, key_names, place_slots
from trainer.data.cursor import Letterbox, pointer_path, render_map
from trainer.data.index import Clip, Index, choose_held_out, pick_frames
from trainer.data.windows import ClipStore, Loader, batch_order, crop_corner, list_windows


def clip_with(*actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("x", "y", "dx", "dy", "button", "key", "char"))
    rows = [{**empty, "redacted": False, "ambiguous": False, **action} for action in actions]
    start = {"start_keys": [], "start_buttons": [], "start_x": 5, "start_y": 6, "kind": "desktop"}
    return {**start, "actions": rows, **fields}


@given(slot=st.integers(-1, 39), stride=st.integers(1, 5), substeps=st.integers(1, 4))
def test_an_action_in_slot_i_first_affects_the_frame_after_it(slot: int, stride: int, substeps: int) -> None:
    frames = list(range(0, 41, stride))
    press = {"slot": slot, "kind": "key_down", "key": "a", "char": "a"}
    with_key = encode_actions(clip_with(press), frames, substeps)
    without = encode_actions(clip_with(), frames, substeps)
    differs = [k for k in range(len(frames)) if (with_key[k] != without[k]).any()]
    expected = [k for k, frame in enumerate(frames) if frame > max(slot, 0)][:1]
    assert differs == ([] if slot < 0 else expected)


@given(slot=st.integers(-1, 39), stride=st.integers(1, 5))
def test_a_move_in_slot_i_moves_the_pointer_from_the_frame_after_it(slot: int, stride: int) -> None:
    frames = list(range(0, 41, stride))
    path = pointer_path(clip_with({"slot": slot, "kind": "move", "x": 50, "y": 60}), frames)
    for frame, place in zip(frames, path, strict=True):
        assert tuple(place) == ((50, 60) if frame > slot else (5, 6))


def test_a_held_button_shows_from_its_press_to_its_release() -> None:
    down = {"slot": 1, "kind": "button_down", "button": "left"}
    up = {"slot": 4, "kind": "button_up", "button": "left"}
    features = encode_actions(clip_with(down, up), range(8), 1)[:, 0]
    assert features[:, FEATURES.index("held:left")].tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert features[:, FEATURES.index("press:left")].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]


def test_keys_between_two_frames_keep_their_order() -> None:
    keys = [{"slot": i, "kind": "key_down", "key": c, "char": c} for i, c in enumerate("ls")]
    tokens = encode_actions(clip_with(*keys), [0, 3], 3)[1]
    assert [FEATURES[np.flatnonzero(token)[0]] if token.any() else "" for token in tokens] == ["key:l", "key:s", ""]


def test_slots_after_the_last_frame_are_left_out() -> None:
    assert place_slots([8, 9, 10], [0, 5, 9], 2) == [(2, 1), None, None]


@pytest.mark.parametrize(
    ("key", "char", "names"),
    [
        ("a", "a", ["a"]), ("Return", "\r", ["Return"]), ("Shift_L", None, []), (None, "ls\r", ["l", "s", "Return"]),
        ("space", " ", [" "]), ("é", "é", ["other"]), ("Up", "\x1b[A", ["Up"]), (None, None, ["other"]),
    ],
)  # fmt: skip
def test_keys_have_names(key: str | None, char: str | None, names: list[str]) -> None:
    assert key_names(key, char) == names


def test_frames_are_picked_by_the_clock_not_by_their_number() -> None:
    steady = [int(i * 1e9 / 15) for i in range(30)]
    assert pick_frames(steady, 5.0) == list(range(0, 30, 3))
    gap = [*steady[:10], *steady[16:]]  # six frames not recorded: the last one is still on the screen
    assert pick_frames(gap, 5.0) == [0, 3, 6, 9, 9, 9, 12, 15, 18, 21]


@given(x=st.floats(2, 50), y=st.floats(2, 35), scale=st.sampled_from([0.25, 0.5, 1.0]))
def test_the_cursor_map_has_its_tip_at_the_pointer(x: float, y: float, scale: float) -> None:
    image = render_map(np.array([[x, y]], np.float32), scale, (64, 48))[0]
    rows, columns = np.nonzero(image)
    assert abs(rows.min() - y) <= 1.5 and abs(columns.min() - x) <= 1.5
    assert image.max() <= 1


def test_a_terminal_has_no_pointer() -> None:
    path = pointer_path(clip_with({"slot": 0, "kind": "move", "x": 1, "y": 1}, kind="terminal"), [0, 1])
    assert np.isnan(path).all() and not render_map(path, 1.0, (8, 8)).any()


@given(st.tuples(st.integers(16, 2000), st.integers(16, 2000)))
def test_a_letterbox_stays_inside_the_picture(size: tuple[int, int]) -> None:
    box = Letterbox.fit(size, (256, 192))
    assert box.left >= 0 and box.left + box.width <= 256 and box.top >= 0 and box.top + box.height <= 192


def test_the_pointer_map_lies_where_the_recorder_saw_the_pointer(store: ClipStore, index: Index) -> None:
    data = store.get(index.train[0])
    assert np.abs(data.pointer - data.seen).max() <= 14 * data.scale  # one recorded move at most


@given(seed=st.integers(0, 9), batch=st.integers(1, 7), count=st.integers(1, 40))
def test_every_window_comes_once_an_epoch(seed: int, batch: int, count: int) -> None:
    order = [n for step in range(3 * count) for n in batch_order(seed, step, batch, count)]
    for epoch in range(3):
        assert sorted(order[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_batches_do_not_depend_on_the_workers(dataset: Path, index: Index, small: Config) -> None:
    def batches(workers: int) -> list[Any]:
        config = dataclasses.replace(small, data=dataclasses.replace(small.data, workers=workers))
        made = Loader(ClipStore(ClipReader(dataset), config.data), index.train, config, seed=3)
        return list(made.iterate(2, 7))

    for one, three in zip(batches(0), batches(3), strict=True):
        assert (one.frames == three.frames).all() and (one.actions == three.actions).all()
        assert (one.maps == three.maps).all()


def test_the_cache_is_bounded(dataset: Path, index: Index, small: Config) -> None:
    store = ClipStore(ClipReader(dataset), dataclasses.replace(small.data, cache_mb=0))
    for clip in index.train:
        store.get(clip)
    assert len(store._cache) == 1


def test_no_session_is_trained_on_and_held_out(index: Index) -> None:
    trained = {clip.session for clip in index.train}
    assert index.held_out and not trained & set(index.held_out_sessions)
    assert {clip.row["arm"] for clip in index.held_out} == {"scripted", "random-fast"}


def test_the_split_does_not_depend_on_the_order_of_clips(index: Index) -> None:
    clips = [*index.train, *index.held_out]
    assert choose_held_out(clips, 0.15) == choose_held_out(clips[::-1], 0.15)


def test_a_clip_whose_video_lacks_frames_is_named(store: ClipStore) -> None:
    row = make_clip("scripted", 0, frames=30)
    clip = Clip({**row, "t1_ns": [*row["t1_ns"], row["t1_ns"][-1] + 1]}, [0, 1, 2])
    with pytest.raises(GoaltraceError, match="scripted-0-0000: t1_ns and picture differ in length"):
        store._decode(clip, row)
    with pytest.raises(GoaltraceError, match="scripted-0-0000: the video has no picture 30"):
        store._decode(clip, {**row, "picture": [*row["picture"], 30]})


def test_a_picture_stored_once_is_every_frame_that_shows_it(store: ClipStore) -> None:
    each, once = (make_clip("scripted", 0, frames=60, pause=12, once=flag) for flag in (False, True))
    assert max(once["picture"]) < max(each["picture"]) == 59
    frames = pick_frames(each["t1_ns"], 5.0)
    every, repeated = (store._decode(Clip(row, frames), row) for row in (each, once))
    assert len(repeated.frames) == len(frames)
    close = np.abs(every.frames.astype(int) - repeated.frames) <= 60  # two encodings of the same pictures
    assert close.mean() > 0.99
    assert np.array_equal(every.actions, repeated.actions)


def test_a_redacted_input_names_no_key_and_nothing_is_known_to_be_held_after_it() -> None:
    shift = {"slot": 0, "kind": "key_down", "key": "Shift_L"}
    secret = {"slot": 2, "kind": "key_up", "redacted": True}
    move = {"slot": 3, "kind": "move", "redacted": True}
    row = clip_with(shift, secret, move)
    features = encode_actions(row, range(6), 1)[:, 0]
    assert features[:, FEATURES.index("held:shift")].tolist() == [0, 1, 1, 0, 0, 0]
    assert features[:, FEATURES.index("redacted")].tolist() == [0, 0, 0, 1, 1, 0]
    assert not features[:, [n for n, name in enumerate(FEATURES) if name.startswith("key:")]].any()
    assert {tuple(place) for place in pointer_path(row, range(6))} == {(5, 6)}


def test_no_window_holds_a_frame_left_blank(index: Index, small: Config) -> None:
    row = {**index.train[0].row, "frame_redacted": [i in (19, 20) for i in range(45)]}
    clip = Clip(row, list(range(0, 45, 3)))
    assert np.flatnonzero(clip.blank()).tolist() == [7]  # frame 21: what led to it was not to be seen
    windows = list_windows([clip], override(small, ["data.idle_share=1"]).data)
    assert windows
    for _, start in windows:
        assert not start <= 7 < start + small.data.window


def test_crops_and_whole_pictures_each_go_through_every_window(loader: Loader, small: Config) -> None:
    sizes = [loader.load(step).frames.shape[:4] for step in range(4)]
    crop, whole = (small.train.batch, 3, 32, 32), (small.whole_batch, 3, 48, 64)
    assert sizes == [crop, whole, crop, whole]


@given(seed=st.integers(0, 1000), x=st.integers(0, 63), y=st.integers(0, 47))
def test_a_crop_lies_inside_the_picture(seed: int, x: int, y: int) -> None:
    frames = np.zeros((2, 48, 64, 3), np.uint8)
    frames[1, y, x] = 255
    left, top = crop_corner(frames, frames[..., 0] / np.float32(255), (32, 16), np.random.default_rng(seed))
    assert 0 <= left <= 32 and 0 <= top <= 32
