"""Which keys and buttons are held down: the state that a clip starts from."""

from __future__ import annotations

from manifests.session import Action


class HeldInputs:
    """Keys and buttons that are down, in the order of their presses."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.buttons: dict[str, None] = {}

    def see(self, action: Action) -> None:
        """Take in the next action; what a redacted one pressed or released is unknown, so that none counts as held."""
        if action.kind in ("key_down", "key_up"):
            _change(self.keys, action.key, action.kind == "key_down", action.redacted)
        elif action.kind in ("button_down", "button_up"):
            _change(self.buttons, action.button, action.kind == "button_down", action.redacted)


def _change(held: dict[str, None], name: str | None, down: bool, redacted: bool) -> None:
    if redacted:
        held.clear()  # something was pressed or released and nobody may know what: nothing is known to be held
    elif name and down:
        held[name] = None
    elif name:
        held.pop(name, None)
