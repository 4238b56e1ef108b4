"""What was done between two frames, as counts: the encoding of actions that the model is given.

The order of the features is `FEATURES`. Position is not among them: the pointer goes in as a rendered map
(trainer.data.cursor), because coordinates are not learnt (2 % against 100 % of frames within 3 px, FACTS).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUTTONS = ("left", "middle", "right")
MODIFIERS = ("shift", "ctrl", "alt", "super")
NAMED_KEYS = (
    "Return", "BackSpace", "Tab", "Escape", "Delete", "Insert", "Home", "End", "Prior", "Next", "Up", "Down", "Left",
    "Right", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12",
)  # fmt: skip
PRINTABLE = [chr(code) for code in range(32, 127)]

FEATURES: tuple[str, ...] = (
    *(f"held:{name}" for name in (*BUTTONS, *MODIFIERS)),  # the state when the slot ends
    *(f"press:{name}" for name in BUTTONS),
    *(f"release:{name}" for name in BUTTONS),
    *(f"scroll:{name}" for name in ("up", "down", "left", "right")),  # wheel clicks
    "move",
    "redacted",
    *(f"key:{name}" for name in NAMED_KEYS),
    *(f"key:{name}" for name in PRINTABLE),
    "key:other",
)
_INDEX = {name: number for number, name in enumerate(FEATURES)}
_HELD = slice(0, len(BUTTONS) + len(MODIFIERS))

_MODIFIER_OF = {
    "Shift_L": "shift", "Shift_R": "shift", "Control_L": "ctrl", "Control_R": "ctrl", "Alt_L": "alt", "Alt_R": "alt",
    "Meta_L": "alt", "Meta_R": "alt", "Super_L": "super", "Super_R": "super",
}  # fmt: skip
_CONTROL_KEYS = {"\r": "Return", "\n": "Return", "\x7f": "BackSpace", "\b": "BackSpace", "\t": "Tab", "\x1b": "Escape"}
_ALIASES = {
    "Enter": "Return", "KP_Enter": "Return", "Page_Up": "Prior", "Page_Down": "Next", "ISO_Left_Tab": "Tab",
    "Backspace": "BackSpace", "Esc": "Escape", "space": " ", "Space": " ",
}  # fmt: skip


def encode_actions(clip: Mapping[str, Any], frames: Sequence[int], substeps: int) -> NDArray[np.uint8]:
    """Counts of what was done before each of the chosen frames.

    An action in slot s happened between recorded frames s and s+1, so it leads to the first chosen frame
    after s. The slots between two chosen frames are spread, in order, over `substeps` tokens. Actions up to the
    first chosen frame only change the held state.

    Args:
        clip: a clip row with `actions`, `start_keys`, `start_buttons`.
        frames: the chosen recorded frames, non-decreasing.
        substeps: tokens between two chosen frames.

    Returns:
        uint8 [len(frames), substeps, len(FEATURES)]; counts saturate at 255.
    """
    counts = np.zeros((len(frames), substeps, len(FEATURES)), np.int64)
    tokens = counts.reshape(-1, len(FEATURES))
    held = np.zeros(_HELD.stop, np.int64)
    for button in clip["start_buttons"]:
        _hold(held, str(button), True)
    for key in clip["start_keys"]:
        _hold(held, _MODIFIER_OF.get(str(key), ""), True)
    filled = 0
    places = place_slots([int(action["slot"]) for action in clip["actions"]], frames, substeps)
    for action, place in zip(clip["actions"], places, strict=True):
        if place is None:
            continue
        token = place[0] * substeps + place[1]
        tokens[filled:token, _HELD] = held
        filled = max(filled, token)
        _apply_held(held, action)
        if place[0] > 0:
            _count(tokens[token], action)
    tokens[filled:, _HELD] = held
    return np.minimum(counts, 255).astype(np.uint8)


def place_slots(slots: Sequence[int], frames: Sequence[int], substeps: int) -> list[tuple[int, int] | None]:
    """For each slot: (index into `frames` of the first chosen frame it leads to, token); None after the last."""
    places: list[tuple[int, int] | None] = []
    ends = np.asarray(frames)
    for slot in slots:
        k = int(np.searchsorted(ends, slot, side="right"))  # first chosen frame with frames[k] > slot
        if k >= len(frames):
            places.append(None)
        elif k == 0:
            places.append((0, substeps - 1))
        else:
            begin, span = frames[k - 1], frames[k] - frames[k - 1]
            places.append((k, (slot - begin) * substeps // span))
    return places


def _hold(held: NDArray[np.int64], name: str, down: bool) -> None:
    number = _INDEX.get(f"held:{name}")
    if number is not None:
        held[number] = down


def _apply_held(held: NDArray[np.int64], action: Mapping[str, Any]) -> None:
    kind = action["kind"]
    if action["redacted"]:
        # something was pressed or released and nobody may know what: nothing is known to be held
        if kind in ("button_down", "button_up"):
            held[: len(BUTTONS)] = 0
        elif kind in ("key_down", "key_up"):
            held[len(BUTTONS) :] = 0
    elif kind in ("button_down", "button_up"):
        _hold(held, str(action["button"]), kind == "button_down")
    elif kind in ("key_down", "key_up"):
        _hold(held, _MODIFIER_OF.get(str(action["key"]), ""), kind == "key_down")


def _count(row: NDArray[np.int64], action: Mapping[str, Any]) -> None:
    kind = action["kind"]
    if action["redacted"]:
        row[_INDEX["redacted"]] += 1
    elif kind == "move":
        row[_INDEX["move"]] += 1
    elif kind in ("button_down", "button_up"):
        number = _INDEX.get(f"{'press' if kind == 'button_down' else 'release'}:{action['button']}")
        if number is not None:
            row[number] += 1
    elif kind == "scroll":
        for value, positive, negative in ((action["dy"], "up", "down"), (action["dx"], "right", "left")):
            if value:
                row[_INDEX[f"scroll:{positive if value > 0 else negative}"]] += abs(value)
    elif kind in ("key_down", "key"):
        for name in key_names(action["key"], action["char"]):
            row[_INDEX[f"key:{name}"]] += 1


def key_names(key: str | None, char: str | None) -> list[str]:
    """The key features one key event sets: a named key, each printable character it types, or "other".

    A modifier alone sets none; control bytes (terminals) are named by the key that makes them.
    """
    if key in _MODIFIER_OF:
        return []
    named = _ALIASES.get(key or "", key or "")
    if named in NAMED_KEYS:
        return [named]
    if named in PRINTABLE and (not char or len(char) == 1):
        return [char if char in PRINTABLE else named]
    names = []
    for one in char or "":
        if one in _CONTROL_KEYS:
            names.append(_CONTROL_KEYS[one])
        elif one in PRINTABLE:
            names.append(one)
        else:
            names.append("other")
    return names or ["other"]
