"""What one press or release of a key means, whichever back end reported it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stroke:
    """The fields of an `Action` that describe a key."""

    key: str
    """Its name; a release and a repetition have the name of their press, whatever was held meanwhile."""
    keysym: int | None
    char: str | None
    """The text that the key types, or completes."""
    shortcut: str | None = None
    """The letter or digit that the key is in shortcuts, on whatever layout; None for keys that are neither."""
    repeat: bool | None = None
    """True: the key was already down, and the system repeats it."""
