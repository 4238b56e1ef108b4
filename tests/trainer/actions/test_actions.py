"""What was done, as the model reads it: the raw counts and states, and causality for both encodings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.data.rows import clip_with
from trainer.actions import KEYS, RAW_FEATURES, acted, encode_actions, key_names, nothing_done, place_slots, width
from trainer.settings.config import ActionsConfig

ENCODINGS = st.builds(
    ActionsConfig, encoding=st.sampled_from(("raw", "meta")), substeps=st.integers(1, 4)
)  # every encoding keeps the same promises
ACTIONS = st.sampled_from(
    [
        {"kind": "key_down", "key": "a", "char": "a"},
        {"kind": "key", "key": "Return", "char": "\r"},
        {"kind": "button_down", "button": "left"},
        {"kind": "scroll", "dx": 0, "dy": -2},
        {"kind": "key_down", "redacted": True},
    ]
)


def raw(clip: dict[str, Any], frames: Any, substeps: int = 1) -> Any:
    return encode_actions(clip, frames, ActionsConfig(substeps=substeps))


def feature(name: str) -> int:
    return RAW_FEATURES.index(name)


@given(slot=st.integers(-1, 39), stride=st.integers(1, 5), config=ENCODINGS, action=ACTIONS)
def test_an_action_in_slot_i_first_shows_in_the_frame_after_it(
    slot: int, stride: int, config: ActionsConfig, action: dict[str, Any]
) -> None:
    frames = list(range(0, 41, stride))
    done = encode_actions(clip_with({**action, "slot": slot}), frames, config)
    without = encode_actions(clip_with(), frames, config)
    assert done.shape == (len(frames), 2 if config.encoding == "meta" else config.substeps, width(config))
    expected = [k for k, frame in enumerate(frames) if frame > max(slot, 0)][:1]
    assert np.flatnonzero(acted(done)).tolist() == ([] if slot < 0 else expected)
    first = expected[0] if expected else len(frames)
    if slot >= 0:
        assert (done[:first] == without[:first]).all()


@given(actions=st.lists(st.tuples(st.integers(0, 30), ACTIONS), max_size=8), now=st.integers(1, 29), config=ENCODINGS)
def test_what_comes_later_changes_nothing_before_it(
    actions: list[tuple[int, dict[str, Any]]], now: int, config: ActionsConfig
) -> None:
    ordered = [{**action, "slot": slot} for slot, action in sorted(actions, key=lambda pair: pair[0])]
    whole = encode_actions(clip_with(*ordered), range(31), config)
    known = encode_actions(clip_with(*(a for a in ordered if a["slot"] < now)), range(31), config)
    assert (whole[: now + 1] == known[: now + 1]).all()


def test_the_features_are_the_182_that_the_paper_counts() -> None:
    assert len(RAW_FEATURES) == len(set(RAW_FEATURES)) == 182 and len(KEYS) == 169
    assert (width(ActionsConfig()), width(ActionsConfig(encoding="meta"))) == (182, 24)


def test_a_held_button_shows_from_its_press_to_its_release() -> None:
    down = {"slot": 1, "kind": "button_down", "button": "left"}
    up = {"slot": 4, "kind": "button_up", "button": "left"}
    features = raw(clip_with(down, up), range(8))[:, 0]
    assert features[:, feature("held:left")].tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert features[:, feature("press:left")].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert features[:, feature("release:left")].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]


def test_a_held_modifier_shows_as_its_key_from_its_press_to_its_release() -> None:
    keys = [(1, "key_down", "Control_R"), (3, "key_down", "c"), (5, "key_up", "Control_R")]
    row = clip_with(*({"slot": slot, "kind": kind, "key": key} for slot, kind, key in keys), start_keys=["Shift_L"])
    features = raw(row, range(8))[:, 0]
    assert features[:, feature("key:Control_R")].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert features[:, feature("key:Shift_L")].tolist() == [1] * 8
    assert features[:, feature("key:c")].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


def test_keys_between_two_frames_keep_their_order() -> None:
    keys = [{"slot": i, "kind": "key_down", "key": c, "char": c} for i, c in enumerate("ls")]
    tokens = raw(clip_with(*keys), [0, 3], 3)[1]
    names = [RAW_FEATURES[np.flatnonzero(token)[0]] if token.any() else "" for token in tokens]
    assert names == ["key:l", "key:s", ""]


def test_counts_stop_at_255() -> None:
    keys = [{"slot": 0, "kind": "key_down", "key": "a", "char": "a"}] * 300
    wheel = {"slot": 0, "kind": "scroll", "dx": 0, "dy": -1000}
    features = raw(clip_with(*keys, wheel), range(2))[1, 0]
    assert features[feature("key:a")] == features[feature("scroll:down")] == 255


def test_slots_after_the_last_frame_are_left_out() -> None:
    assert place_slots([8, 9, 10], [0, 5, 9], 2) == [(2, 1), None, None]


@pytest.mark.parametrize(
    ("key", "char", "names"),
    [
        ("a", "a", ["a"]), ("A", "A", ["A"]), ("Return", "\r", ["Return"]), ("Shift_L", None, ["Shift_L"]),
        (None, "ls\r", ["l", "s", "Return"]), ("space", " ", [" "]), ("é", "é", ["other"]), ("Up", "\x1b[A", ["Up"]),
        (None, None, ["other"]), ("l", None, ["l"]), ("ctrl+w", "\x17", ["Control_L", "w"]), ("KP_1", "1", ["KP_1"]),
        ("KP_Home", None, ["Home"]), ("XF86AudioMute", None, ["AudioMute"]), ("minus", "-", ["-"]), ("+", "+", ["+"]),
        ("alt+Left", "\x1b[1;3D", ["Alt_L", "Left"]), ("F20", None, ["F20"]), ("F21", None, ["other"]),
    ],
)  # fmt: skip
def test_keys_have_names(key: str | None, char: str | None, names: list[str]) -> None:
    assert key_names(key, char) == names


def test_a_redacted_input_names_no_key_and_nothing_is_known_to_be_held_after_it() -> None:
    shift = {"slot": 0, "kind": "key_down", "key": "Shift_L"}
    secret = {"slot": 2, "kind": "key_up", "redacted": True}
    move = {"slot": 3, "kind": "move", "redacted": True}
    features = raw(clip_with(shift, secret, move), range(6))[:, 0]
    assert features[:, feature("key:Shift_L")].tolist() == [0, 1, 1, 0, 0, 0]
    assert features[:, feature("key:redacted")].tolist() == [0, 0, 0, 1, 1, 0]
    others = [n for n, name in enumerate(RAW_FEATURES) if name not in ("key:Shift_L", "key:redacted")]
    assert not features[:, others].any()


def test_nothing_done_keeps_what_is_held_and_nothing_else() -> None:
    held = [{"slot": 0, "kind": "button_down", "button": "left"}, {"slot": 0, "kind": "key_down", "key": "Shift_L"}]
    later = [{"slot": 3, "kind": "key_down", "key": "x", "char": "x"}, {"slot": 4, "kind": "scroll", "dx": 0, "dy": 1}]
    actions = raw(clip_with(*held, *later), range(7), 2)
    still = nothing_done(actions[3:], actions[2])
    assert still.shape == actions[3:].shape and still.dtype == actions.dtype
    assert {RAW_FEATURES[n] for n in np.flatnonzero(still[0, 0])} == {"held:left", "key:Shift_L"}
    assert (still == still[0, 0]).all() and not acted(still).any() and acted(actions[3:]).any()
    meta = encode_actions(clip_with(*held, *later), range(7), ActionsConfig(encoding="meta"))
    assert not nothing_done(meta[3:], meta[2]).any() and acted(meta).tolist() == [False, True, False, False, True, True,
                                                                                  False]  # fmt: skip
