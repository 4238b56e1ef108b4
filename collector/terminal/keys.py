"""Keys by the names of their X keysyms, so that both kinds of session name them alike, and the bytes each sends."""

from __future__ import annotations

from manifests.errors import GoaltraceError

_PUNCTUATION = {
    " ": "space", "!": "exclam", '"': "quotedbl", "#": "numbersign", "$": "dollar", "%": "percent", "&": "ampersand",
    "'": "apostrophe", "(": "parenleft", ")": "parenright", "*": "asterisk", "+": "plus", ",": "comma", "-": "minus",
    ".": "period", "/": "slash", ":": "colon", ";": "semicolon", "<": "less", "=": "equal", ">": "greater",
    "?": "question", "@": "at", "[": "bracketleft", "\\": "backslash", "]": "bracketright", "^": "asciicircum",
    "_": "underscore", "`": "grave", "{": "braceleft", "|": "bar", "}": "braceright", "~": "asciitilde",
    "\n": "Return", "\r": "Return", "\t": "Tab",
}  # fmt: skip

# What xterm sends in its normal cursor-key mode.
_LETTERED = {"Up": "A", "Down": "B", "Right": "C", "Left": "D", "Home": "H", "End": "F"}
_NUMBERED = {"Insert": 2, "Delete": 3, "Page_Up": 5, "Page_Down": 6}
_BYTES = {
    "Return": "\r", "Tab": "\t", "BackSpace": "\x7f", "Escape": "\x1b",
    **{name: f"\x1b[{letter}" for name, letter in _LETTERED.items()},
    **{name: f"\x1b[{number}~" for name, number in _NUMBERED.items()},
}  # fmt: skip
_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4}
_CHARACTERS = {name: char for char, name in _PUNCTUATION.items() if char not in "\r\n\t"}


def key_name(char: str) -> str:
    """The name of the key that types `char`: "a", "slash", "Return"; X's Unicode name (U20AC) beyond ASCII."""
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    return char if char.isascii() and char.isalnum() else f"U{ord(char):04X}"


def key_bytes(name: str) -> str:
    """What the key `name` sends, as text: "a", "Return", "ctrl+c", "alt+Left"; `GoaltraceError` for an unknown one."""
    if name in _BYTES:
        return _BYTES[name]
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if len(name) == 1:
        return "\r" if name == "\n" else name
    *modifiers, key = name.split("+")
    sent = _modified(set(modifiers), key) if modifiers and key and set(modifiers) <= _MODIFIERS.keys() else None
    if sent is not None:
        return sent
    known = ", ".join([*_BYTES, "ctrl+a", "alt+b", "ctrl+Left"])
    raise GoaltraceError(f"key {name!r}: a terminal has no such key; use a character or one of: {known}")


def _modified(modifiers: set[str], key: str) -> str | None:
    """What `key` sends while modifiers are held; None where that is nothing of its own."""
    number = 1 + sum(_MODIFIERS[name] for name in modifiers)
    if key in _LETTERED:
        return f"\x1b[1;{number}{_LETTERED[key]}"
    if key in _NUMBERED:
        return f"\x1b[{_NUMBERED[key]};{number}~"
    sent: str | None = key_bytes(key)
    if key == "Tab" and "shift" in modifiers:
        sent = "\x1b[Z"
    elif key == "BackSpace" and "ctrl" in modifiers:
        sent = "\b"
    elif key not in _BYTES:
        sent = _control(key_bytes(key)) if "ctrl" in modifiers else key_bytes(key).upper() if number == 2 else sent
    return f"\x1b{sent}" if sent is not None and "alt" in modifiers else sent


def _control(char: str) -> str | None:
    """The control character that Ctrl makes of `char`."""
    if "@" <= char.upper() <= "_" and len(char.upper()) == 1:
        return chr(ord(char.upper()) - 64)
    return {" ": "\0", "-": "\x1f", "?": "\x7f"}.get(char)
