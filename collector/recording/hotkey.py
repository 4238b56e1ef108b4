"""The hotkey that pauses and resumes: found among the logged keys themselves, so that its time is the pause's time.

Nothing is grabbed from other programs: the combination is read where all input is read, in any window.
"""

from __future__ import annotations

from collections import deque

from manifests.errors import GoaltraceError

MODIFIERS = {
    "ctrl": ("Control_L", "Control_R"),
    "alt": ("Alt_L", "Alt_R", "Meta_L", "Meta_R"),  # X calls Alt with Shift held Meta
    "shift": ("Shift_L", "Shift_R"),
    "super": ("Super_L", "Super_R"),
}
OTHER_KEYS = {"pause": ("Pause", "Break"), "scroll_lock": ("Scroll_Lock",), "insert": ("Insert",), "space": ("space",)}
_REPEAT_NS = 20_000_000
"""A key that goes down again this soon is being held: X reports its repetition as releases and presses."""

_LOST_NS = 10_000_000_000
"""Another modifier held for this long was released unseen (a locked screen); it must not disarm the hotkey."""


class Hotkey:
    """A combination such as "ctrl+alt+p"; left and right modifiers are alike, and no other modifier may be held."""

    def __init__(self, combination: str) -> None:
        names = combination.lower().split("+")
        *modifiers, key = names
        if len(set(names)) != len(names) or any(name not in MODIFIERS for name in modifiers):
            raise _bad(combination)
        self.names = _key_names(key)
        """The names of its last key, as X spells them."""
        if not self.names or (key.isdigit() and "shift" in modifiers):  # Shift and a digit is another character
            raise _bad(combination)
        if not modifiers and len(key) == 1:
            raise GoaltraceError(f"--hotkey {combination}: would be typed in passing; add a modifier, as in ctrl+alt+p")
        self._modifiers = set(modifiers)
        self._held: dict[str, int] = {}
        self._releasing: set[str] = set()
        self._released_ns = -_REPEAT_NS
        self._own: deque[tuple[str, str, int]] = deque(maxlen=64)

    @property
    def keys(self) -> frozenset[str]:
        """Every key that can be part of it, as X spells it."""
        return frozenset(self.names).union(*(MODIFIERS[name] for name in self._modifiers))

    def feed(self, kind: str, key: str, t_ns: int) -> bool:
        """Take in every input event, in order; True for the one that completes the combination."""
        if kind == "key_up":
            self._up(key, t_ns)
            return False
        if kind != "key_down":
            return False
        repeated = key in self._held or t_ns - self._released_ns < _REPEAT_NS
        self._held.setdefault(key, t_ns)
        if self._name(key) not in self.names:
            return False
        if repeated:
            if key in self._releasing or self.owns("key_up", key, self._released_ns):
                self._own.append((kind, key, t_ns))
                self._releasing.add(key)
            return False
        if not self._modifiers_are_held(t_ns):
            return False
        for part, since_ns in self._held.items():
            if part in self.keys or self._name(part) in self.names:
                self._own.append(("key_down", part, since_ns))
                self._releasing.add(part)
        return True

    def owns(self, kind: str, key: str, t_ns: int) -> bool:
        """True for an event, fed before, that is part of a completed combination and means nothing to the session.

        The modifiers go down before it is known what they are for: ask when an event has been held back a while.
        """
        return (kind, key, t_ns) in self._own

    def _up(self, key: str, t_ns: int) -> None:
        self._held.pop(key, None)
        if self._name(key) in self.names:
            self._released_ns = t_ns
        if key in self._releasing:
            self._releasing.discard(key)
            self._own.append(("key_up", key, t_ns))

    def _modifiers_are_held(self, t_ns: int) -> bool:
        since = {
            name: max(self._held[key] for key in keys if key in self._held)
            for name, keys in MODIFIERS.items()
            if any(key in self._held for key in keys)
        }
        others = since.keys() - self._modifiers
        return since.keys() >= self._modifiers and all(t_ns - since[name] > _LOST_NS for name in others)

    @staticmethod
    def _name(key: str) -> str:
        return key.lower() if len(key) == 1 else key  # Caps Lock and Shift name a letter key by its capital


def _key_names(key: str) -> tuple[str, ...]:
    if len(key) == 1 and key.isascii() and key.isalnum():
        return (key,)
    if key in {f"f{number}" for number in range(1, 13)}:
        return (key.upper(),)
    return OTHER_KEYS.get(key, ())


def _bad(combination: str) -> GoaltraceError:
    return GoaltraceError(
        f"--hotkey {combination}: not a combination; give modifiers ({', '.join(MODIFIERS)}) and one key "
        f"(a to z, 0 to 9, f1 to f12, {', '.join(OTHER_KEYS)}) joined by +, as in ctrl+alt+p"
    )
