"""The slots of a clip in which its actor acted, and its clicks; every score uses these, so that they agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from manifests.clip import ClipAction

MODIFIERS = frozenset(
    [
        "Shift_L",
        "Shift_R",
        "Control_L",
        "Control_R",
        "Alt_L",
        "Alt_R",
        "Meta_L",
        "Meta_R",
        "Super_L",
        "Super_R",
        "Hyper_L",
        "Hyper_R",
        "ISO_Level3_Shift",
        "ISO_Level5_Shift",
        "Caps_Lock",
        "Num_Lock",
        "Scroll_Lock",
        "Shift_Lock",
        "Mode_switch",
    ]
)
SAME_CLICK_NS = 500_000_000
SAME_CLICK_PX = 8


class ActionSlot(NamedTuple):
    """A slot in which the actor acted; slot i lies between frames i and i+1."""

    slot: int
    scored: bool
    """False where a response proves nothing (a terminal echoes every printing key, whoever types it) or was not to be
    seen (redacted)."""
    click: tuple[int, int] | None
    """Where the slot's last button press fell, px."""


class Click(NamedTuple):
    """A press of a button; double and triple clicks count once."""

    slot: int
    x: int
    y: int


def is_action(action: ClipAction) -> bool:
    """Presses of buttons and keys, and scrolls. Moves, releases, lone modifiers, resizes, markers and the
    repetitions of a held key are not."""
    if action.get("repeat"):
        return False
    if action["kind"] in ("key_down", "key"):
        return action["key"] not in MODIFIERS
    return action["kind"] in ("button_down", "scroll")


def _proves_nothing(action: ClipAction) -> bool:
    echoes = action["kind"] == "key" and (action["char"] or "\0").isprintable()
    return bool(echoes or action["redacted"])


def action_slots(actions: Iterable[ClipAction]) -> list[ActionSlot]:
    """The slots that hold at least one action, in order."""
    found: dict[int, ActionSlot] = {}
    for action in actions:
        if not is_action(action):
            continue
        slot = action["slot"]
        before = found.get(slot, ActionSlot(slot, False, None))
        click = _place(action) if action["kind"] == "button_down" else None
        found[slot] = ActionSlot(slot, before.scored or not _proves_nothing(action), click or before.click)
    return [found[slot] for slot in sorted(found)]


def clicks(actions: Iterable[ClipAction]) -> list[Click]:
    """Every distinct click that has a frame before it."""
    found: list[Click] = []
    last: tuple[int, int, int] | None = None
    for action in actions:
        place = _place(action)
        if action["kind"] != "button_down" or place is None:
            continue
        t_ns, (x, y) = action["t_ns"], place
        again = (
            last is not None
            and t_ns - last[0] <= SAME_CLICK_NS
            and abs(x - last[1]) <= SAME_CLICK_PX
            and abs(y - last[2]) <= SAME_CLICK_PX
        )
        last = t_ns, x, y
        if not again and action["slot"] >= 0:
            found.append(Click(action["slot"], x, y))
    return found


def _place(action: ClipAction) -> tuple[int, int] | None:
    return None if action["x"] is None or action["y"] is None else (action["x"], action["y"])
