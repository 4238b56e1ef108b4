"""Where the actions put the pointer, and its map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.data.rows import clip_with
from trainer.data.cursor import Letterbox, pointer_path, render_map
from trainer.data.index import Index
from trainer.data.windows import ClipStore


@given(slot=st.integers(-1, 39), stride=st.integers(1, 5))
def test_a_move_in_slot_i_moves_the_pointer_from_the_frame_after_it(slot: int, stride: int) -> None:
    frames = list(range(0, 41, stride))
    path = pointer_path(clip_with({"slot": slot, "kind": "move", "x": 50, "y": 60}), frames)
    for frame, place in zip(frames, path, strict=True):
        assert tuple(place) == ((50, 60) if frame > slot else (5, 6))


@given(x=st.floats(2, 50), y=st.floats(2, 35), scale=st.sampled_from([0.25, 0.5, 1.0]))
def test_the_cursor_map_has_its_tip_at_the_pointer(x: float, y: float, scale: float) -> None:
    image = render_map(np.array([[x, y]], np.float32), scale, (64, 48))[0]
    rows, columns = np.nonzero(image)
    assert abs(rows.min() - y) <= 1.5 and abs(columns.min() - x) <= 1.5
    assert image.max() <= 1


def test_a_terminal_has_no_pointer() -> None:
    path = pointer_path(clip_with({"slot": 0, "kind": "move", "x": 1, "y": 1}, kind="terminal"), [0, 1])
    assert np.isnan(path).all() and not render_map(path, 1.0, (8, 8)).any()


@pytest.mark.parametrize("redacted", [True, False])
def test_a_redacted_move_tells_no_place(redacted: bool) -> None:
    place = {"x": None, "y": None} if redacted else {"x": 9, "y": 9}
    path = pointer_path(clip_with({"slot": 0, "kind": "move", "redacted": redacted, **place}), range(3))
    assert tuple(path[-1]) == ((5, 6) if redacted else (9, 9))


@given(st.tuples(st.integers(16, 2000), st.integers(16, 2000)))
def test_a_letterbox_stays_inside_the_picture(size: tuple[int, int]) -> None:
    box = Letterbox.fit(size, (256, 192))
    assert box.left >= 0 and box.left + box.width <= 256 and box.top >= 0 and box.top + box.height <= 192


def test_the_pointer_map_lies_where_the_recorder_saw_the_pointer(store: ClipStore, index: Index) -> None:
    data = store.get(index.train[0])
    assert np.abs(data.pointer - data.seen).max() <= 14 * data.scale  # one recorded move at most
