"""Actions as they come, encoded by the encoder that training uses: a clip whose row grows.

Between two of the model's frames there are as many slots as in the recording that the play began with, and an action
falls into one of them by the recorder's own rule (manifests.slots).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipAction, EventRow
from manifests.slots import assign_slots
from trainer.actions import Actions, encode_actions
from trainer.actions.meta import AGAIN_NS
from trainer.data.cursor import ActedRow, Letterbox, pointer_path
from trainer.play.person import PlayedAction, new_action
from trainer.settings.config import Config

MOST_WAITING = 4096  # actions between two frames; a person does not come near it
MOST_KEPT = 1024


class Live:
    """What was done since the last frame of a recorded clip."""

    def __init__(self, row: EventRow, frame: int, config: Config, box: Letterbox) -> None:
        """frame: the recorded frame of `row` after which the person goes on; what was held then is held."""
        self._config, self._box = config, box
        self._span = max(1, round(float(row["fps"]) / config.data.fps))
        self._kind, self._here = row["kind"], (row["start_x"], row["start_y"])
        self._keys, self._buttons = list(row["start_keys"]), list(row["start_buttons"])
        self._fold([action for action in row["actions"] if action["slot"] < frame])
        self._frame = 0
        self._waiting: list[PlayedAction] = []
        self._done: list[PlayedAction] = []

    def add(self, action: PlayedAction) -> None:
        """An action that the next frames may show."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(action)

    def let_go(self, now_ns: int) -> None:
        """The person is gone: whatever is held is released."""
        done = [*self._done, *self._waiting]
        buttons, keys = _held_after(self._buttons, self._keys, done)
        here = _place_after(self._here, done)
        for name in buttons:
            self.add(new_action(now_ns, "button_up", *here, button=name))
        for name in keys:
            self.add(new_action(now_ns, "key_up", key=name))

    def advance(self, ends_ns: Sequence[int]) -> tuple[Actions, NDArray[np.float32], list[PlayedAction]]:
        """What was done on the way to the next n frames.

        Args:
            ends_ns: n + 1 increasing times: the end of the last frame, then of each of the next. An action that came
                in too late for its own frame counts to the first of these.

        Returns:
            Actions [n, S, A], pointer [n, 2] px of the model's picture, and the actions themselves, each with `slot`
            (counted from the last true frame) and `frame`, 1..n.
        """
        now = [action for action in self._waiting if action["t_ns"] <= ends_ns[-1]]
        self._waiting = [action for action in self._waiting if action["t_ns"] > ends_ns[-1]]
        now.sort(key=lambda action: int(action["t_ns"]))
        count, span = len(ends_ns) - 1, self._span
        grabs = np.interp(np.arange(count * span + 1) / span, np.arange(count + 1), np.asarray(ends_ns) - ends_ns[0])
        taken = [round(grab) for grab in grabs]
        times = [max(int(action["t_ns"]) - ends_ns[0], 1) for action in now]
        for action, slot in zip(now, assign_slots(taken, taken, times), strict=True):
            action["slot"], action["frame"] = self._frame + slot.slot, slot.slot // span + 1
        self._done += now
        frames = [self._frame + span * number for number in range(count + 1)]
        row: ActedRow = {
            "kind": self._kind, "start_x": self._here[0], "start_y": self._here[1], "start_keys": self._keys,
            "start_buttons": self._buttons, "actions": [*self._done],
        }  # fmt: skip
        actions = encode_actions(row, frames, self._config.actions)[1:]
        points = self._box.place(pointer_path(row, frames))[1:]
        self._frame = frames[-1]
        self._forget(ends_ns[-1])
        return actions, points, now

    def _forget(self, now_ns: int) -> None:
        """Keep of the past only what the encoding of the future can depend on."""
        presses = [action["t_ns"] for action in self._done if action["kind"] == "button_down"]
        held, _ = _held_after(self._buttons, self._keys, self._done)
        quiet = not presses or (now_ns - presses[-1] > AGAIN_NS and not held)
        if quiet or len(self._done) > MOST_KEPT:
            self._fold(self._done)
            self._done = []
        else:  # where the pointer went on the way to a frame that is made does not matter; presses name their place
            moves = [action for action in self._done if action["kind"] == "move"]
            self._done = [action for action in self._done if action["kind"] != "move" or action is moves[-1]]

    def _fold(self, actions: Sequence[ClipAction]) -> None:
        """Put what `actions` leave behind into the start state."""
        self._buttons, self._keys = _held_after(self._buttons, self._keys, actions)
        self._here = _place_after(self._here, actions)


def _place_after(here: tuple[int, int], actions: Sequence[ClipAction]) -> tuple[int, int]:
    """Where the pointer is after `actions`."""
    for action in actions:
        if action["x"] is not None and action["y"] is not None:
            here = action["x"], action["y"]
    return here


def _held_after(buttons: list[str], keys: list[str], actions: Sequence[ClipAction]) -> tuple[list[str], list[str]]:
    """Buttons and keys that are held after `actions`. After a redacted press or release nothing is known to be held."""
    held = {"button": buttons, "key": keys}
    for action in actions:
        name, _, way = action["kind"].partition("_")
        if name in held and way:
            what = (action["button"] if name == "button" else action["key"]) or ""
            rest = [one for one in held[name] if one != what]
            held[name] = [] if action["redacted"] else [*rest, what] if way == "down" else rest
    return held["button"], held["key"]
