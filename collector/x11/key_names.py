"""The X names of keys, for systems without X: a recording calls a key the same wherever it was made."""

from __future__ import annotations

KEYS: dict[str, tuple[str, int]] = {
    "alt": ("Alt_L", 0xFFE9),
    "alt_l": ("Alt_L", 0xFFE9),
    "alt_r": ("Alt_R", 0xFFEA),
    "alt_gr": ("ISO_Level3_Shift", 0xFE03),
    "backspace": ("BackSpace", 0xFF08),
    "caps_lock": ("Caps_Lock", 0xFFE5),
    "cmd": ("Super_L", 0xFFEB),
    "cmd_l": ("Super_L", 0xFFEB),
    "cmd_r": ("Super_R", 0xFFEC),
    "ctrl": ("Control_L", 0xFFE3),
    "ctrl_l": ("Control_L", 0xFFE3),
    "ctrl_r": ("Control_R", 0xFFE4),
    "delete": ("Delete", 0xFFFF),
    "down": ("Down", 0xFF54),
    "end": ("End", 0xFF57),
    "enter": ("Return", 0xFF0D),
    "esc": ("Escape", 0xFF1B),
    "home": ("Home", 0xFF50),
    "insert": ("Insert", 0xFF63),
    "left": ("Left", 0xFF51),
    "menu": ("Menu", 0xFF67),
    "num_lock": ("Num_Lock", 0xFF7F),
    "page_down": ("Next", 0xFF56),
    "page_up": ("Page_Up", 0xFF55),
    "pause": ("Pause", 0xFF13),
    "print_screen": ("Print", 0xFF61),
    "right": ("Right", 0xFF53),
    "scroll_lock": ("Scroll_Lock", 0xFF14),
    "shift": ("Shift_L", 0xFFE1),
    "shift_l": ("Shift_L", 0xFFE1),
    "shift_r": ("Shift_R", 0xFFE2),
    "space": ("space", 0x20),
    "tab": ("Tab", 0xFF09),
    "up": ("Up", 0xFF52),
    "media_play_pause": ("XF86AudioPlay", 0x1008FF14),
    "media_volume_mute": ("XF86AudioMute", 0x1008FF12),
    "media_volume_down": ("XF86AudioLowerVolume", 0x1008FF11),
    "media_volume_up": ("XF86AudioRaiseVolume", 0x1008FF13),
    "media_previous": ("XF86AudioPrev", 0x1008FF16),
    "media_next": ("XF86AudioNext", 0x1008FF17),
    **{f"f{n}": (f"F{n}", 0xFFBD + n) for n in range(1, 36)},
}
"""pynput's name of a key -> name and keysym on X. The names are those that XRECORD sessions have (input_log.py)."""

DEAD_KEYS = {
    "\u0300": ("dead_grave", 0xFE50),
    "\u0301": ("dead_acute", 0xFE51),
    "\u0302": ("dead_circumflex", 0xFE52),
    "\u0303": ("dead_tilde", 0xFE53),
    "\u0308": ("dead_diaeresis", 0xFE57),
    "\u0327": ("dead_cedilla", 0xFE5B),
}
"""A combining character -> the key that waits for the letter it goes on."""

_MAC_NUMBERS = "0 11 8 2 14 3 5 4 34 38 40 37 46 45 31 35 12 15 1 17 32 9 13 7 16 6 29 18 19 20 21 23 22 26 28 25"
MAC_KEYS = dict(zip(map(int, _MAC_NUMBERS.split()), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))
"""A Mac's number of a key (kVK_ANSI_*) -> what it types alone on an American keyboard."""


def char_keysym(char: str) -> int:
    """Latin-1 keysyms are code points; other characters are 0x01000000 plus theirs (X protocol, appendix A)."""
    code = ord(char[0])
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 + code
