"""Guarantees of live input: the same events are encoded as training encodes them, and the past does not pile up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.slots import assign_slots
from trainer.actions import encode_actions
from trainer.data.cursor import Letterbox, pointer_path
from trainer.play.live import MOST_KEPT, Live
from trainer.play.person import new_action
from trainer.settings.config import ActionsConfig, Config

SPAN, TICK_NS, FRAMES = 3, 66_000_000, 25
"""Recorded frames between two of the model's, ns between recorded frames, the model's frames of a test."""
BOX = Letterbox.fit((320, 200), (64, 48))
RAW, META = ActionsConfig(), ActionsConfig(encoding="meta")

places = st.fixed_dictionaries({"x": st.integers(0, 319), "y": st.integers(0, 199)})
buttons = st.fixed_dictionaries({"button": st.sampled_from(["left", "middle", "right"])})
wheels = st.fixed_dictionaries({"dx": st.integers(-2, 2), "dy": st.integers(-3, 3)})
typing = [("a", "a"), ("B", "B"), ("space", " "), ("ü", "ü"), ("Return", None), ("s", None), ("F5", None)]
holding = [("Shift_L", None), ("Control_R", None), ("Alt_L", None), ("ISO_Level3_Shift", None)]
keys = st.sampled_from(typing + holding).map(lambda key: {"key": key[0], "char": key[1]})
both = st.builds(lambda a, b: a | b, places, buttons)
happenings = st.one_of(
    st.tuples(st.just("move"), places),
    st.tuples(st.sampled_from(["button_down", "button_up"]), both),
    st.tuples(st.just("scroll"), st.builds(lambda a, b: a | b, places, wheels)),
    st.tuples(st.sampled_from(["key_down", "key_up"]), keys),
)
timed = st.lists(st.tuples(st.integers(1, FRAMES * SPAN * TICK_NS), happenings), max_size=60)


def row_of(events: list[tuple[int, tuple[str, dict[str, Any]]]], **fields: Any) -> dict[str, Any]:
    """A recording of these events, in order of time, with the slots that a recorder gives them."""
    actions = [new_action(t, kind, **given) for t, (kind, given) in sorted(events, key=lambda event: event[0])]
    ends = [frame * TICK_NS for frame in range(FRAMES * SPAN + 1)]
    for action, slot in zip(actions, assign_slots(ends, ends, [action["t_ns"] for action in actions]), strict=True):
        action["slot"] = slot.slot
    start = {"start_keys": [], "start_buttons": [], "start_x": 5, "start_y": 6, "kind": "desktop", "fps": 15.0}
    return {**start, "actions": actions, **fields}


def lived(row: dict[str, Any], begin: int, config: ActionsConfig) -> tuple[np.ndarray, np.ndarray]:
    """The same events, each told to a live play after it happened, frame by frame from the model's frame `begin`."""
    live = Live({**row, "actions": [a for a in row["actions"] if a["slot"] < begin * SPAN]}, begin * SPAN,
                replace(Config(), actions=config), BOX)  # fmt: skip
    coming = [dict(action) for action in row["actions"] if action["slot"] >= begin * SPAN]
    made, points = [], []
    for frame in range(begin + 1, FRAMES + 1):
        start, end = (frame - 1) * SPAN * TICK_NS, frame * SPAN * TICK_NS
        for action in [action for action in coming if start < action["t_ns"] <= end][::-1]:  # the order is not promised
            live.add(action)
        actions, place, done = live.advance([start, end])
        assert all(action["frame"] == 1 for action in done)
        made.append(actions[0])
        points.append(place[0])
    return np.stack(made), np.stack(points)


@pytest.mark.parametrize("config", [RAW, META], ids=["raw", "meta"])
@settings(max_examples=60, deadline=None)
@given(events=timed)
def test_live_actions_are_encoded_as_training_encodes_them(config: ActionsConfig, events: list[Any]) -> None:
    events = list({t: (t, event) for t, event in events}.values())  # no two at once
    row, frames = row_of(events), list(range(0, FRAMES * SPAN + 1, SPAN))
    actions, points = lived(row, 0, config)
    assert np.array_equal(actions, encode_actions(row, frames, config)[1:])
    assert np.array_equal(points, BOX.place(pointer_path(row, frames))[1:], equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(events=timed, begin=st.integers(1, FRAMES - 1), hidden=st.sets(st.integers(0, 59), max_size=3),
       held=st.sampled_from([([], []), (["Shift_L"], ["left"]), (["Control_L", "a"], ["right"])]))  # fmt: skip
def test_a_play_goes_on_with_what_was_held(events: list[Any], begin: int, hidden: set[int], held: Any) -> None:
    events = list({t: (t, event) for t, event in events}.values())
    row, frames = row_of(events, start_keys=held[0], start_buttons=held[1]), list(range(0, FRAMES * SPAN + 1, SPAN))
    for number, action in enumerate(row["actions"]):
        if number in hidden and action["slot"] < begin * SPAN:  # a person's live input is never redacted
            action |= {"redacted": True, "key": None, "char": None, "button": None, "x": None, "y": None}
    actions, points = lived(row, begin, RAW)
    assert np.array_equal(actions, encode_actions(row, frames, RAW)[begin + 1 :])
    assert np.array_equal(points, BOX.place(pointer_path(row, frames))[begin + 1 :], equal_nan=True)


@pytest.mark.parametrize("config", [RAW, META], ids=["raw", "meta"])
def test_several_frames_at_once_are_the_frames_one_by_one(config: ActionsConfig) -> None:
    events = [(n * 40_000_000, ("key_down", {"key": "a", "char": "a"})) for n in range(1, 60)]
    one_by_one, _ = lived(row_of(events), 0, config)
    live = Live(row_of([]), 0, replace(Config(), actions=config), BOX)
    for action in row_of(events)["actions"]:
        live.add(action)
    ends = [frame * SPAN * TICK_NS for frame in range(5)]
    actions, points, done = live.advance(ends)
    assert np.array_equal(actions, one_by_one[:4]) and points.shape == (4, 2)
    assert [action["frame"] for action in done] == [1 + (action["t_ns"] - 1) // (SPAN * TICK_NS) for action in done]


def test_what_comes_too_late_for_its_frame_counts_to_the_next() -> None:
    live = Live(row_of([]), 0, Config(), BOX)
    live.advance([0, 200])
    live.add(new_action(150, "key_down", key="a", char="a"))
    live.add(new_action(500, "key_down", key="b", char="b"))  # not yet
    _, _, done = live.advance([200, 400])
    assert [(action["key"], action["frame"], action["slot"]) for action in done] == [("a", 1, 3)]


def test_letting_go_releases_all_that_is_held() -> None:
    live = Live(row_of([]), 0, Config(), BOX)
    for action in (new_action(10, "button_down", button="left", x=3, y=4), new_action(20, "key_down", key="Control_L")):
        live.add(action)
    live.advance([0, 100])
    live.add(new_action(110, "button_down", button="right", x=9, y=8))
    live.let_go(120)
    actions, _, done = live.advance([100, 200])
    assert [action["kind"] for action in done] == ["button_down", "button_up", "button_up", "key_up"]
    assert not live.advance([200, 300])[0].any() and actions.any()


@pytest.mark.parametrize("held", [True, False], ids=["a button held", "nothing held"])
def test_an_hour_of_input_takes_no_more_room_than_a_minute(held: bool) -> None:
    live = Live(row_of([]), 0, Config(), BOX)
    if held:
        live.add(new_action(1, "button_down", button="left", x=1, y=1))
    for frame in range(120):
        for n in range(60):
            kind = ("move", {"x": n, "y": n}) if n % 2 else ("key_down", {"key": "a", "char": "a"})
            live.add(new_action(frame * 10**9 + n + 2, kind[0], **kind[1]))
        live.advance([frame * 10**9, (frame + 1) * 10**9])
    assert len(live._done) <= (MOST_KEPT + 60 if held else 0)
