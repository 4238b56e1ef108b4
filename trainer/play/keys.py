"""Maps the browser's names of keys to the recorders', so that a live key is the key that training saw."""

from __future__ import annotations

from collections.abc import Collection

_NAMED = {
    "Enter": "Return", "Backspace": "BackSpace", "Tab": "Tab", "Escape": "Escape", "Delete": "Delete",
    "Insert": "Insert", "Home": "Home", "End": "End", "PageUp": "Prior", "PageDown": "Next", "ArrowUp": "Up",
    "ArrowDown": "Down", "ArrowLeft": "Left", "ArrowRight": "Right", "CapsLock": "Caps_Lock", "NumLock": "Num_Lock",
    "ScrollLock": "Scroll_Lock", "ContextMenu": "Menu", "PrintScreen": "Print", "Pause": "Pause",
    "AltGraph": "ISO_Level3_Shift", "AudioVolumeUp": "XF86AudioRaiseVolume", "AudioVolumeDown": "XF86AudioLowerVolume",
    "AudioVolumeMute": "XF86AudioMute", "MediaPlayPause": "XF86AudioPlay", "MediaTrackNext": "XF86AudioNext",
    "MediaTrackPrevious": "XF86AudioPrev", **{f"F{number}": f"F{number}" for number in range(1, 21)},
}  # fmt: skip
_MODIFIERS = {"Shift": "Shift", "Control": "Control", "Alt": "Alt", "Meta": "Super"}
_KEYPAD = {
    **{f"Numpad{digit}": f"KP_{digit}" for digit in range(10)},
    "NumpadDecimal": "KP_Decimal", "NumpadAdd": "KP_Add", "NumpadSubtract": "KP_Subtract",
    "NumpadMultiply": "KP_Multiply", "NumpadDivide": "KP_Divide", "NumpadEnter": "KP_Enter", "NumpadEqual": "KP_Equal",
}  # fmt: skip
_BYTES = {
    "Return": "\r", "Tab": "\t", "BackSpace": "\x7f", "Escape": "\x1b", "Up": "\x1b[A", "Down": "\x1b[B",
    "Right": "\x1b[C", "Left": "\x1b[D", "Home": "\x1b[H", "End": "\x1b[F", "Insert": "\x1b[2~", "Delete": "\x1b[3~",
    "Prior": "\x1b[5~", "Next": "\x1b[6~",
}  # fmt: skip


def desktop_key(key: str, code: str, held: Collection[str]) -> tuple[str, str | None] | None:
    """(X name, text) of a browser's `KeyboardEvent.key` and `.code`, as XRECORD sessions have them.

    Args:
        held: those of shift, ctrl, alt, super that are held.

    Returns:
        None for what is no key of its own: a dead key, an input method at work.
    """
    if key in _MODIFIERS:
        return f"{_MODIFIERS[key]}_{'R' if code.endswith('Right') else 'L'}", None
    if code in _KEYPAD and (len(key) == 1 or key == "Enter"):
        return _KEYPAD[code], None
    if key in _NAMED:
        return _NAMED[key], None
    if len(key) != 1 or not key.isprintable():
        return None
    types = not {"ctrl", "alt", "super"} & set(held)
    return ("space" if key == " " else key), key if types else None


def terminal_key(key: str, code: str, held: Collection[str]) -> tuple[str, str | None] | None:
    """(name, bytes sent as text) of a key pressed in a terminal; None for what sends nothing, such as Shift."""
    if key in _MODIFIERS or key == "AltGraph":
        return None
    found = desktop_key(key, "", ())
    if found is None:
        return None
    name, char = found
    sent = char or _BYTES.get(name)
    modifiers = [one for one in ("ctrl", "alt") if one in held]
    if "shift" in held and char is None:
        modifiers.append("shift")
    if not modifiers:
        return name, sent
    if "ctrl" in held and char is not None:
        name = name.lower()
        sent = chr(ord(char.upper()) & 31) if "@" <= char.upper() <= "_" else None
    if "alt" in held and sent is not None:
        sent = "\x1b" + sent
    return "+".join([*modifiers, name]), sent
