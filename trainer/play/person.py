"""What the browser says that the person did, checked, as the action that a recorder would have written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from manifests.clip import ClipAction
from trainer.data.cursor import Letterbox
from trainer.play.keys import desktop_key, terminal_key

BUTTONS = ("left", "middle", "right")
HELD = ("shift", "ctrl", "alt", "super")
MOST_CLICKS = 100  # of the wheel, in one event


class PlayedAction(ClipAction):
    """An action of a play: as in a clip's `actions` column, with the frame that it leads to."""

    frame: int


class PersonInput:
    """Turns the page's events into actions on a recording of `size` (width, height) px that lies in `box`."""

    def __init__(self, kind: str, size: tuple[int, int], box: Letterbox) -> None:
        self._desktop, self._size, self._box = kind == "desktop", size, box

    def action(self, event: Any, t_ns: int) -> PlayedAction | None:
        """The action at `t_ns`, without its slot; None for what no recorder would have written, or nonsense.

        Args:
            event: {"kind": move, button_down, button_up, scroll, key_down or key_up} with x, y (px of the model's
                picture), button, dx, dy (wheel clicks), key, code (as the browser names them), held (modifiers) and
                repeat (of a key that is held).
        """
        if not isinstance(event, Mapping):
            return None
        kind = event.get("kind")
        if kind in ("key_down", "key_up"):
            return self._key(event, str(kind), t_ns)
        place = self._place(event.get("x"), event.get("y"))
        if place is None or not self._desktop:
            return None
        if kind == "move":
            return new_action(t_ns, "move", *place)
        if kind in ("button_down", "button_up") and event.get("button") in BUTTONS:
            return new_action(t_ns, str(kind), *place, button=event["button"])
        if kind == "scroll":
            dx, dy = _clicks(event.get("dx")), _clicks(event.get("dy"))
            return new_action(t_ns, "scroll", *place, dx=dx, dy=dy) if dx or dy else None
        return None

    def _key(self, event: Mapping[str, Any], kind: str, t_ns: int) -> PlayedAction | None:
        key, code, held = event.get("key"), event.get("code"), event.get("held")
        if not isinstance(key, str) or not isinstance(code, str) or not isinstance(held, list):
            return None
        now = [name for name in HELD if name in held]
        if self._desktop:
            found = desktop_key(key, code, now)
        else:
            found = terminal_key(key, code, now) if kind == "key_down" else None
            kind = "key"
        again = kind == "key_down" and event.get("repeat") is True  # a terminal's recorder is told of no such thing
        return None if found is None else new_action(t_ns, kind, key=found[0], char=found[1], repeat=again)

    def _place(self, x: Any, y: Any) -> tuple[int, int] | None:
        if not _is_number(x) or not _is_number(y):
            return None
        box = self._box
        across, down = math.floor((x - box.left) / box.scale), math.floor((y - box.top) / box.scale)
        return min(max(across, 0), self._size[0] - 1), min(max(down, 0), self._size[1] - 1)


def describe(action: PlayedAction) -> str | None:
    """A few characters for what was done; None where there is nothing to say (moves, releases)."""
    kind = action["kind"]
    if kind == "button_down":
        return f"{action['button']} button"
    if kind == "scroll":
        ways = ((action["dy"], "up", "down"), (action["dx"], "right", "left"))
        return ", ".join(f"scroll {plus if value > 0 else minus} {abs(value)}" for value, plus, minus in ways if value)
    return str(action["key"]) if kind in ("key_down", "key") else None


def new_action(
    t_ns: int, kind: str, x: int | None = None, y: int | None = None, *, dx: int | None = None, dy: int | None = None,
    button: str | None = None, key: str | None = None, char: str | None = None, repeat: bool = False,
    redacted: bool = False,
) -> PlayedAction:  # fmt: skip
    """An action of a play, whose slot and frame are not known yet."""
    return {
        "t_ns": t_ns, "kind": kind, "ambiguous": False, "redacted": redacted, "repeat": repeat, "slot": 0, "x": x,
        "y": y, "dx": dx, "dy": dy, "button": button, "key": key, "char": char, "frame": 0,
    }  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def _clicks(value: Any) -> int:
    return max(-MOST_CLICKS, min(MOST_CLICKS, int(value))) if _is_number(value) else 0
