"""The meta encoding: at most two acts a frame, each written when it shows."""

from __future__ import annotations

from typing import Any

from tests.trainer.data.rows import clip_with
from trainer.actions.keys import KEYS
from trainer.actions.meta import encode_meta, text_of

MS = 1_000_000


def acts(*actions: dict[str, Any], frames: Any = (0, 1), **fields: Any) -> list[list[int]]:
    """The slots of the last frame that hold anything."""
    table = encode_meta(clip_with(*({"slot": 0, **action} for action in actions), **fields), list(frames))
    return [slot.tolist() for slot in table[-1] if slot.any()]


def typed(text: str) -> list[dict[str, Any]]:
    return [{"kind": "key_down", "key": c, "char": c} for c in text]


def press(at_ms: int = 0, kind: str = "button_down", x: int = 10) -> dict[str, Any]:
    return {"kind": kind, "button": "left", "t_ns": at_ms * MS, "x": x, "y": 10}


def test_a_click_is_written_at_its_press_and_its_release_is_nothing() -> None:
    table = encode_meta(clip_with({**press(), "slot": 0}, {**press(kind="button_up"), "slot": 3}), range(6))
    assert [row.any() for row in table] == [False, True, False, False, False, False]
    assert table[1, 0, :8].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_presses_that_follow_at_once_are_double_and_triple_clicks() -> None:
    quick = [press(0), press(90, "button_up"), press(200), press(290, "button_up"), press(400)]
    assert [slot[:3] for slot in acts(*quick)] == [[1, 1, 2], [1, 1, 3]]
    assert [slot[2] for slot in acts(press(0), press(900))] == [1, 1]
    assert [slot[2] for slot in acts(press(0), press(100, x=60))] == [1, 1]


def test_a_release_elsewhere_is_a_drag() -> None:
    slots = acts(press(0), {"kind": "move", "x": 80, "y": 10}, press(500, "button_up", x=80))
    assert [slot[:4] for slot in slots] == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_scrolls_of_one_direction_add_up() -> None:
    wheel = {"kind": "scroll", "dx": 0, "dy": -2}
    (slot,) = acts(wheel, wheel, wheel)
    assert slot[:6] == [2, 0, 0, 0, 2, 6]
    assert acts(*[{"kind": "scroll", "dx": 0, "dy": 200}] * 2)[0][5] == 255
    sideways = acts({"kind": "scroll", "dx": 1, "dy": 0}, {"kind": "scroll", "dx": -1, "dy": 0})
    assert [slot[4] for slot in sideways] == [4, 3]


def test_text_is_merged_first_and_then_the_last_two_acts_are_kept() -> None:
    (slot,) = encode_meta(clip_with(*({"slot": 0, **key} for key in typed("ls -l"))), [0, 1])[1][:1]
    assert slot[0] == 3 and text_of(slot) == "ls -l"
    enter = {"kind": "key_down", "key": "Return"}
    table = encode_meta(clip_with(*({"slot": 0, **key} for key in [press(), *typed("ls"), enter])), [0, 1])
    assert [row[0] for row in table[1]] == [3, 4] and text_of(table[1, 0]) == "ls"
    assert KEYS[table[1, 1, 7] - 1] == "Return"


def test_long_text_fills_a_second_slot() -> None:
    table = encode_meta(clip_with({"slot": 0, "kind": "key", "char": "abcdefghijklmnopqrst"}), [0, 1])
    assert [text_of(row) for row in table[1]] == ["abcdefghijklmnop", "qrst"]


def test_a_character_outside_ascii_has_the_code_of_others() -> None:
    assert acts(*typed("aé"))[0][8:11] == [97, 1, 0]


def test_a_key_with_a_modifier_is_a_shortcut() -> None:
    ctrl = {"kind": "key_down", "key": "Control_L"}
    (slot,) = acts(ctrl, {"kind": "key_down", "key": "c"})
    assert slot[0] == 4 and slot[6] == 2 and KEYS[slot[7] - 1] == "c"
    (terminal,) = acts({"kind": "key", "key": "ctrl+w", "char": "\x17"})
    assert terminal[0] == 4 and terminal[6] == 2 and KEYS[terminal[7] - 1] == "w"
    shifted = acts({"kind": "key_down", "key": "Shift_L"}, {"kind": "key_down", "key": "A", "char": "A"})
    assert [slot[0] for slot in shifted] == [3]


def test_a_modifier_held_when_the_clip_begins_counts() -> None:
    (slot,) = acts({"kind": "key_down", "key": "Tab"}, start_keys=["Alt_L"])
    assert slot[6] == 4 and KEYS[slot[7] - 1] == "Tab"


def test_a_redacted_key_names_nothing() -> None:
    (slot,) = acts({"kind": "key_down", "key": None, "redacted": True}, {"kind": "key_up", "redacted": True})
    assert slot[0] == 4 and slot[2] == 2 and KEYS[slot[7] - 1] == "redacted" and not any(slot[8:])
