"""Guarantees of what a browser sends: keys are named as recorders name them, places land, nonsense is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.actions.keys import key_name, key_names
from trainer.data.cursor import Letterbox
from trainer.play.keys import _KEYPAD, _NAMED, desktop_key, terminal_key
from trainer.play.person import PersonInput, describe

SIZE = (1024, 768)
BOX = Letterbox.fit(SIZE, (256, 160))


def person(kind: str = "desktop") -> PersonInput:
    return PersonInput(kind, SIZE, BOX)


@pytest.mark.parametrize("pressed, held, recorded", [
    (("a", "KeyA"), [], ("a", "a")), (("A", "KeyA"), ["shift"], ("A", "A")), ((" ", "Space"), [], ("space", " ")),
    (("/", "Slash"), [], ("/", "/")), (("Enter", "Enter"), [], ("Return", None)),
    (("s", "KeyS"), ["ctrl"], ("s", None)),
    (("Shift", "ShiftLeft"), ["shift"], ("Shift_L", None)), (("Control", "ControlRight"), [], ("Control_R", None)),
    (("Meta", "MetaLeft"), [], ("Super_L", None)), (("5", "Numpad5"), [], ("KP_5", None)),
    (("Home", "Numpad7"), [], ("Home", None)), (("ü", "BracketLeft"), [], ("ü", "ü")), (("Dead", "Equal"), [], None),
    (("Process", "KeyA"), [], None), (("Unidentified", ""), [], None),
])  # fmt: skip
def test_desktop_keys_are_named_as_the_x_server_names_them(pressed: Any, held: list[str], recorded: Any) -> None:
    assert desktop_key(*pressed, held) == recorded


@pytest.mark.parametrize("pressed, held, recorded", [
    (("e", "KeyE"), [], ("e", "e")), ((" ", "Space"), [], ("space", " ")), (("Enter", "Enter"), [], ("Return", "\r")),
    (("Backspace", "Backspace"), [], ("BackSpace", "\x7f")), (("ArrowUp", "ArrowUp"), [], ("Up", "\x1b[A")),
    (("w", "KeyW"), ["ctrl"], ("ctrl+w", "\x17")), (("C", "KeyC"), ["ctrl", "shift"], ("ctrl+c", "\x03")),
    (("b", "KeyB"), ["alt"], ("alt+b", "\x1bb")), (("Shift", "ShiftLeft"), ["shift"], None),
    (("E", "KeyE"), ["shift"], ("E", "E")),
    (("5", "Numpad5"), [], ("5", "5")),
])  # fmt: skip
def test_terminal_keys_are_named_as_terminal_sessions_name_them(pressed: Any, held: list[str], recorded: Any) -> None:
    assert terminal_key(*pressed, held) == recorded


def test_every_named_key_is_one_that_the_encodings_know() -> None:
    assert [name for name in (*_NAMED.values(), *_KEYPAD.values()) if key_name(name) is None] == []
    for char in map(chr, range(32, 127)):
        found = desktop_key(char, "", [])
        assert found is not None and key_names(*found) == [char]
        assert key_names(*terminal_key(char, "", [])) == [char]  # type: ignore[misc]
    assert key_names(*terminal_key("w", "KeyW", ["ctrl"])) == ["Control_L", "w"]  # type: ignore[misc]


@given(st.integers(0, SIZE[0] - 1), st.integers(0, SIZE[1] - 1))
def test_a_place_in_the_picture_is_the_place_in_the_recording(x: int, y: int) -> None:
    placed = BOX.place(np.array([[x + 0.5, y + 0.5]], np.float32))[0]
    action = person().action({"kind": "move", "x": float(placed[0]), "y": float(placed[1])}, 1)
    assert action is not None and (action["x"], action["y"]) == (x, y)


def test_a_place_beside_the_recording_is_its_edge() -> None:
    press = {"kind": "button_down", "button": "left", "x": -50, "y": 1e5}
    assert (person().action(press, 1) or {})["x"] == 0 and (person().action(press, 1) or {})["y"] == SIZE[1] - 1


def test_a_terminal_takes_keys_only_and_only_their_presses() -> None:
    key = {"key": "a", "code": "KeyA", "held": []}
    assert person("terminal").action({"kind": "move", "x": 1, "y": 1}, 1) is None
    assert person("terminal").action({"kind": "key_up", **key}, 1) is None
    action = person("terminal").action({"kind": "key_down", **key}, 1)
    assert action is not None and (action["kind"], action["key"], action["char"]) == ("key", "a", "a")


def test_a_key_that_is_held_is_a_press_and_repetitions_of_it_as_in_recordings() -> None:
    key = {"kind": "key_down", "key": "a", "code": "KeyA", "held": []}
    told = [person().action({**key, "repeat": repeat}, 1) for repeat in (False, True, 7, None)]
    assert [action is not None and action["repeat"] for action in told] == [False, True, False, False]
    pressed = person("terminal").action({**key, "repeat": True}, 1)
    assert pressed is not None and pressed["repeat"] is False


def test_what_was_done_is_told_in_few_words() -> None:
    said = [
        {"kind": "button_down", "button": "right", "x": 1, "y": 1},
        {"kind": "scroll", "dx": 0, "dy": -2, "x": 1, "y": 1},
        {"kind": "key_down", "key": "Enter", "code": "Enter", "held": []}, {"kind": "move", "x": 1, "y": 1},
    ]  # fmt: skip
    told = [describe(action) for one in said if (action := person().action(one, 1))]
    assert told == ["right button", "scroll down 2", "Return", None]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["move", "button_down", "button_up", "scroll", "key_down", "key_up", "other"])
nonsense = st.fixed_dictionaries(
    {"kind": kinds | json_values},
    optional=dict.fromkeys(("x", "y", "dx", "dy", "button", "key", "code", "held"), json_values),
)


@given(json_values | nonsense, st.sampled_from(["desktop", "terminal"]))
def test_nonsense_is_left_out_or_is_a_sound_action(event: Any, kind: str) -> None:
    action = person(kind).action(event, 1)
    if action is not None:
        assert 0 <= (action["x"] or 0) < SIZE[0] and 0 <= (action["y"] or 0) < SIZE[1]
        assert abs(action["dx"] or 0) <= 100 and abs(action["dy"] or 0) <= 100
        assert action["button"] in (None, "left", "middle", "right")
        assert action["key"] is None or len(action["key"]) <= 40
