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
_BYTES = {
    "Return": "\r", "Tab": "\t", "BackSpace": "\x7f", "Escape": "\x1b", "Up": "\x1b[A", "Down": "\x1b[B",
    "Right": "\x1b[C", "Left": "\x1b[D", "Home": "\x1b[H", "End": "\x1b[F", "Delete": "\x1b[3~",
    "Page_Up": "\x1b[5~", "Page_Down": "\x1b[6~",
}  # fmt: skip
_CHARACTERS = {name: char for char, name in _PUNCTUATION.items() if char not in "\r\n\t"}


def key_name(char: str) -> str:
    """The name of the key that types `char`: "a", "slash", "Return"; X's Unicode name (U20AC) beyond ASCII."""
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    return char if char.isascii() and char.isalnum() else f"U{ord(char):04X}"


def key_bytes(name: str) -> str:
    """What the key `name` sends, as text: "a", "Return", "ctrl+c", "alt+b"; `GoaltraceError` for an unknown one."""
    if name in _BYTES:
        return _BYTES[name]
    if name in _CHARACTERS:
        return _CHARACTERS[name]
    if len(name) == 1:
        return "\r" if name == "\n" else name
    modifier, _, rest = name.partition("+")
    if modifier == "ctrl" and len(rest) == 1 and "@" <= rest.upper() <= "_":
        return chr(ord(rest.upper()) - 64)
    if modifier == "alt" and rest:
        return "\x1b" + key_bytes(rest)
    known = ", ".join([*_BYTES, "ctrl+a", "alt+b"])
    raise GoaltraceError(f"key {name!r}: a terminal has no such key; use a character or one of: {known}")
