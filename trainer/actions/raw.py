"""The raw encoding: 182 counts and states between two frames, in the order of `RAW_FEATURES`.

Position is not among them: the pointer goes in as a rendered map (trainer.data.cursor), because coordinates are
not learnt (2 % against 100 % of frames within 3 px).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipAction, ClipActions
from trainer.actions.keys import KEY_INDEX, KEYS, MODIFIER_KEYS, key_name, key_names
from trainer.actions.places import place_slots

BUTTONS = ("left", "middle", "right")
RAW_FEATURES: tuple[str, ...] = (
    *(f"held:{name}" for name in BUTTONS),  # 1 while held when the slot ends
    *(f"press:{name}" for name in BUTTONS),
    *(f"release:{name}" for name in BUTTONS),
    *(f"scroll:{name}" for name in ("up", "down", "left", "right")),  # wheel clicks
    *(f"key:{name}" for name in KEYS),  # presses; of modifiers at least 1 while held when the slot ends
)
assert len(RAW_FEATURES) == 182
_INDEX = {name: number for number, name in enumerate(RAW_FEATURES)}
_FIRST_KEY = len(RAW_FEATURES) - len(KEYS)
_HELD_KEYS = [_INDEX[f"key:{name}"] for name in MODIFIER_KEYS]
_HELD = np.array([*range(len(BUTTONS)), *_HELD_KEYS])
_DONE = np.setdiff1d(np.arange(len(RAW_FEATURES)), _HELD)


def encode_raw(clip: ClipActions, frames: Sequence[int], substeps: int) -> NDArray[np.uint8]:
    """Counts of what was done before each of the chosen frames.

    The slots between two chosen frames are spread, in order, over `substeps` tokens. Actions up to the first chosen
    frame only change the held state.

    Args:
        clip: a clip row with `actions`, `start_keys`, `start_buttons`.
        frames: the chosen recorded frames, non-decreasing.
        substeps: tokens between two chosen frames.

    Returns:
        uint8 [len(frames), substeps, 182]; counts saturate at 255.
    """
    counts = np.zeros((len(frames), substeps, len(RAW_FEATURES)), np.int64)
    tokens = counts.reshape(-1, len(RAW_FEATURES))
    held = np.zeros(len(RAW_FEATURES), np.int64)
    for button in clip["start_buttons"]:
        _hold_button(held, str(button), True)
    for key in clip["start_keys"]:
        _hold_key(held, str(key), True)
    actions = clip["actions"]
    filled = 0
    places = place_slots([int(action["slot"]) for action in actions], frames, substeps)
    for action, place in zip(actions, places, strict=True):
        if place is None:
            continue
        token = place[0] * substeps + place[1]
        np.maximum(tokens[filled:token], held, out=tokens[filled:token])
        filled = max(filled, token)
        _apply_held(held, action)
        if place[0] > 0:
            _count(tokens[token], action)
    np.maximum(tokens[filled:], held, out=tokens[filled:])
    return np.minimum(counts, 255).astype(np.uint8)


def raw_nothing_done(actions: NDArray[np.uint8], row: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Like `actions`, but nothing is done in it; what is held at the end of `row` stays held."""
    still = np.zeros_like(actions)
    still[..., _HELD] = np.minimum(row[-1, _HELD], 1)
    return still


def raw_acted(actions: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(actions[..., _DONE].any(axis=(-1, -2)), bool)


def _hold_button(held: NDArray[np.int64], name: str, down: bool) -> None:
    if name in BUTTONS:
        held[BUTTONS.index(name)] = down


def _hold_key(held: NDArray[np.int64], key: str | None, down: bool) -> None:
    name = key_name(key)
    if name in MODIFIER_KEYS:
        held[_FIRST_KEY + KEY_INDEX[name]] = down


def _apply_held(held: NDArray[np.int64], action: ClipAction) -> None:
    kind = action["kind"]
    if action["redacted"]:
        # something was pressed or released and nobody may know what: nothing is known to be held
        if kind in ("button_down", "button_up"):
            held[: len(BUTTONS)] = 0
        elif kind in ("key_down", "key_up"):
            held[_HELD_KEYS] = 0
    elif kind in ("button_down", "button_up"):
        _hold_button(held, str(action["button"]), kind == "button_down")
    elif kind in ("key_down", "key_up"):
        _hold_key(held, action["key"], kind == "key_down")


def _count(row: NDArray[np.int64], action: ClipAction) -> None:
    kind = action["kind"]
    if action["redacted"]:
        row[_INDEX["key:redacted"]] += 1
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
            row[_FIRST_KEY + KEY_INDEX[name]] += 1
