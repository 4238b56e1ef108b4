"""The meta encoding: what was done on the way to a frame as at most two acts: click, scroll, type or shortcut.

Columns of a slot, int16: 0 kind, 1 button, 2 count, 3 drag, 4 direction, 5 amount, 6 modifiers, 7 key, 8-23 text.

An act is written down when it shows: a click at its press (a later release that moved the pointer is a drag of its
own), so that no act waits for what a later frame would show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipAction, ClipActions
from trainer.actions.keys import KEY_INDEX, MODIFIER_OF, MODIFIERS, key_name, key_names, typed_text
from trainer.actions.places import place_slots

SLOTS, WIDTH, TEXT = 2, 24, 16
CLICK, SCROLL, TYPE, SHORTCUT = 1, 2, 3, 4
KIND, BUTTON, COUNT, DRAG, DIRECTION, AMOUNT, HELD, KEY, FIRST_CHAR = range(9)
BUTTONS = {"left": 1, "middle": 2, "right": 3}
UP, DOWN, LEFT, RIGHT = 1, 2, 3, 4
OTHER_CHAR = 1
AGAIN_NS, AGAIN_PX = 400_000_000, 5  # a press so soon and so near after another is a double click
DRAG_PX = 4


def encode_meta(clip: ClipActions, frames: Sequence[int]) -> NDArray[np.int16]:
    """The last two acts before each of the chosen frames, in order; neighbouring texts and scrolls are merged first.

    Returns:
        int16 [len(frames), 2, 24]; all zero where nothing was done. One act alone is in slot 0.
    """
    table = np.zeros((len(frames), SLOTS, WIDTH), np.int16)
    reader = _Reader(clip)
    acts: list[list[NDArray[np.int16]]] = [[] for _ in frames]
    places = place_slots([int(action["slot"]) for action in clip["actions"]], frames, 1)
    for action, place in zip(clip["actions"], places, strict=True):
        if place is None:
            break  # actions are in order of time
        found = reader.read(action)
        if place[0] > 0:
            for act in found:
                _append(acts[place[0]], act)
    for row, done in zip(table, acts, strict=True):
        for slot, act in zip(row, done[-SLOTS:], strict=False):
            slot[:] = act
    return table


def meta_acted(actions: NDArray[np.int16]) -> NDArray[np.bool_]:
    return np.asarray((actions[..., KIND] != 0).any(axis=-1), bool)


def text_of(slot: NDArray[np.int16]) -> str:
    """The text of a type slot; characters that have no code are U+FFFD."""
    return "".join("�" if code == OTHER_CHAR else chr(code) for code in slot[FIRST_CHAR:].tolist() if code)


class _Reader:
    """Turns actions into acts, in order, and keeps what it takes to distinguish a click from a drag."""

    def __init__(self, clip: ClipActions) -> None:
        self._here = (clip["start_x"], clip["start_y"])
        self._modifiers = {MODIFIER_OF[name] for key in clip["start_keys"] if (name := key_name(key)) in MODIFIER_OF}
        self._pressed: dict[str, tuple[int, int]] = {}
        self._last = ("", 0, (0, 0), 0)  # the last press: button, time, place, count

    def read(self, action: ClipAction) -> list[NDArray[np.int16]]:
        kind = action["kind"]
        if action["redacted"]:
            if kind in ("key_down", "key_up"):
                self._modifiers.clear()
            return [] if kind == "move" else [_act(SHORTCUT, COUNT, 1, KEY, 1 + KEY_INDEX["redacted"])]
        if action["x"] is not None and action["y"] is not None:
            self._here = (action["x"], action["y"])
        if kind == "button_down":
            return self._press(action)
        if kind == "button_up":
            return self._release(str(action["button"]))
        if kind == "scroll":
            return self._scroll(action)
        if kind in ("key_down", "key_up") and (name := key_name(action["key"])) in MODIFIER_OF:
            (self._modifiers.add if kind == "key_down" else self._modifiers.discard)(MODIFIER_OF[name])
            return []
        return self._keys(action) if kind in ("key_down", "key") else []

    def _press(self, action: ClipAction) -> list[NDArray[np.int16]]:
        button, now = str(action["button"]), int(action.get("t_ns") or 0)
        if button not in BUTTONS:
            return []
        before, when, where, count = self._last
        again = before == button and now - when <= AGAIN_NS and _distance(where, self._here) <= AGAIN_PX
        count = count % 3 + 1 if again else 1
        self._last = (button, now, self._here, count)
        self._pressed[button] = self._here
        return [_act(CLICK, BUTTON, BUTTONS[button], COUNT, count, HELD, self._bits())]

    def _release(self, button: str) -> list[NDArray[np.int16]]:
        begun = self._pressed.pop(button, None)
        if begun is None or _distance(begun, self._here) < DRAG_PX:
            return []
        return [_act(CLICK, BUTTON, BUTTONS[button], COUNT, 1, DRAG, 1, HELD, self._bits())]

    def _scroll(self, action: ClipAction) -> list[NDArray[np.int16]]:
        acts = []
        for value, positive, negative in ((action["dy"], UP, DOWN), (action["dx"], RIGHT, LEFT)):
            if value:
                way, amount = positive if value > 0 else negative, min(abs(value), 255)
                acts.append(_act(SCROLL, DIRECTION, way, AMOUNT, amount, HELD, self._bits()))
        return acts

    def _keys(self, action: ClipAction) -> list[NDArray[np.int16]]:
        text = typed_text(action)
        if text and not self._modifiers - {"shift"}:
            return [_text(text[at : at + TEXT]) for at in range(0, len(text), TEXT)]
        names, bits = key_names(action["key"], action["char"]), self._bits()
        while len(names) > 1 and names[0] in MODIFIER_OF:  # "ctrl+w"
            bits |= 1 << MODIFIERS.index(MODIFIER_OF[names.pop(0)])
        return [_act(SHORTCUT, COUNT, 1, HELD, bits, KEY, 1 + KEY_INDEX[name]) for name in names]

    def _bits(self) -> int:
        return sum(1 << number for number, name in enumerate(MODIFIERS) if name in self._modifiers)


def _act(kind: int, *pairs: int) -> NDArray[np.int16]:
    row = np.zeros(WIDTH, np.int16)
    row[KIND] = kind
    row[list(pairs[::2])] = pairs[1::2]
    return row


def _text(text: str) -> NDArray[np.int16]:
    row = _act(TYPE)
    row[FIRST_CHAR : FIRST_CHAR + len(text)] = [ord(c) if 32 <= ord(c) <= 126 else OTHER_CHAR for c in text]
    return row


def _append(acts: list[NDArray[np.int16]], act: NDArray[np.int16]) -> None:
    """Add an act, or merge it into the last one."""
    last = acts[-1] if acts else None
    if last is not None and last[KIND] == act[KIND]:
        length = int((last[FIRST_CHAR:] != 0).sum())
        more = act[FIRST_CHAR:][act[FIRST_CHAR:] != 0]
        if act[KIND] == TYPE and length + len(more) <= TEXT:
            last[FIRST_CHAR + length : FIRST_CHAR + length + len(more)] = more
            return
        if act[KIND] == SCROLL and last[DIRECTION] == act[DIRECTION] and last[HELD] == act[HELD]:
            last[AMOUNT] = min(255, int(last[AMOUNT]) + int(act[AMOUNT]))
            return
        same_key = last[KEY] == act[KEY] and last[HELD] == act[HELD]
        if act[KIND] == SHORTCUT and same_key and last[COUNT] < 3:
            last[COUNT] += 1
            return
    acts.append(act)


def _distance(a: tuple[int, int], b: tuple[int, int]) -> int:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1]))
