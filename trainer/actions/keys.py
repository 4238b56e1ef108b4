"""The 169 keys that actions name, and the names that recorders give to them."""

from __future__ import annotations

from manifests.clip import ClipAction

PRINTABLE = tuple(chr(code) for code in range(32, 127))
MODIFIER_KEYS = (
    "Shift_L", "Shift_R", "Control_L", "Control_R", "Alt_L", "Alt_R", "Super_L", "Super_R", "ISO_Level3_Shift",
)  # fmt: skip
KEYS: tuple[str, ...] = (
    *PRINTABLE,
    "Return", "BackSpace", "Tab", "Escape", "Delete", "Insert",
    "Home", "End", "Prior", "Next", "Up", "Down", "Left", "Right",
    *(f"F{number}" for number in range(1, 21)),
    *MODIFIER_KEYS,
    "Caps_Lock", "Num_Lock", "Scroll_Lock",
    *(f"KP_{digit}" for digit in range(10)),
    "KP_Decimal", "KP_Add", "KP_Subtract", "KP_Multiply", "KP_Divide", "KP_Enter", "KP_Equal",
    "Menu", "Print", "Pause",
    "AudioRaiseVolume", "AudioLowerVolume", "AudioMute", "AudioPlay", "AudioNext", "AudioPrev",
    "other", "redacted",
)  # fmt: skip
assert len(KEYS) == 169
KEY_INDEX = {name: number for number, name in enumerate(KEYS)}

MODIFIERS = ("shift", "ctrl", "alt", "super")
MODIFIER_OF = {
    "Shift_L": "shift", "Shift_R": "shift", "Control_L": "ctrl", "Control_R": "ctrl", "Alt_L": "alt", "Alt_R": "alt",
    "Super_L": "super", "Super_R": "super",
}  # fmt: skip
_LEFT = {"shift": "Shift_L", "ctrl": "Control_L", "alt": "Alt_L", "meta": "Alt_L", "super": "Super_L"}
_CONTROL = {"\r": "Return", "\n": "Return", "\x7f": "BackSpace", "\b": "BackSpace", "\t": "Tab", "\x1b": "Escape"}
_ALIASES = {
    "Enter": "Return", "Page_Up": "Prior", "Page_Down": "Next", "ISO_Left_Tab": "Tab", "Backspace": "BackSpace",
    "Esc": "Escape", "space": " ", "Space": " ", "KP_Space": " ", "KP_Tab": "Tab", "KP_Separator": "KP_Decimal",
    "Meta_L": "Alt_L", "Meta_R": "Alt_R", "Hyper_L": "Super_L", "Hyper_R": "Super_R", "Sys_Req": "Print",
    "Break": "Pause", "AudioStop": "AudioPlay", "AudioPause": "AudioPlay", "KP_Page_Up": "Prior",
    "KP_Page_Down": "Next",
    **{f"KP_{name}": name for name in
       ("Home", "End", "Prior", "Next", "Up", "Down", "Left", "Right", "Insert", "Delete")},
}  # fmt: skip


def key_name(key: str | None) -> str | None:
    """A recorder's name of a key as one of `KEYS`; None where it is none of them."""
    name = (key or "").removeprefix("XF86")
    name = _ALIASES.get(name, name)
    return name if name in KEY_INDEX else None


def key_names(key: str | None, char: str | None) -> list[str]:
    """The keys that one event presses, in order: the character it types, a named key, "ctrl+w" as two, else "other".

    Control bytes (terminals) are named by the key that makes them; several characters at once are each a key.
    """
    named = key_name(key)
    if named in PRINTABLE and (not char or len(char) == 1):
        return [char if char in PRINTABLE else named]
    if named is not None and named not in PRINTABLE:
        return [named]
    *held, last = (key or "").split("+") if key and "+" in key[:-1] else [key or ""]
    if held and all(part.lower() in _LEFT for part in held):
        return [*(_LEFT[part.lower()] for part in held), key_name(last) or "other"]
    return [one if one in PRINTABLE else _CONTROL.get(one, "other") for one in char or ""] or ["other"]


def typed_text(action: ClipAction) -> str | None:
    """The text that a key event types, where all of it is printable; None for any other key."""
    char = action["char"]
    return char if char and all(one.isprintable() for one in char) else None
