"""What is held down: the state a clip starts from."""

from __future__ import annotations

from manifests.session import Action


class Held:
    """Keys and buttons that are down, in the order of their presses."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.buttons: dict[str, None] = {}

    def see(self, action: Action) -> None:
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
