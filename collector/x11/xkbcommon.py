"""libxkbcommon through ctypes: what a keysym types, what it is called, and what a dead key makes of the next one.

Every GTK or Qt program brings the library along, so it is there wherever there is a desktop; there is no Python package
of it that would come as a wheel. Without it keysyms are still known (X protocol, appendix A), sequences are not.
"""

from __future__ import annotations

import ctypes
import os
import unicodedata
from collections.abc import Sequence
from functools import cache

MISSING = (
    "libxkbcommon.so.0 is not on this machine (Debian, Ubuntu: apt install libxkbcommon0): what dead keys and Compose "
    "put together is not in the log's text"
)
_COMPOSING, _COMPOSED = 1, 2
_ACCEPTED = 1
_FALLBACK_LOCALE = "en_US.UTF-8"  # whose sequences toolkits have built in, whatever the locale
_BYTES = 64
_DEAD = {
    0xFE50: ("`", "\u0300"), 0xFE51: ("´", "\u0301"), 0xFE52: ("^", "\u0302"), 0xFE53: ("~", "\u0303"),
    0xFE54: ("¯", "\u0304"), 0xFE55: ("˘", "\u0306"), 0xFE56: (" \u0307", "\u0307"), 0xFE57: ("¨", "\u0308"),
    0xFE58: ("˚", "\u030a"), 0xFE59: ("˝", "\u030b"), 0xFE5A: ("ˇ", "\u030c"), 0xFE5B: ("¸", "\u0327"),
    0xFE5C: ("˛", "\u0328"), 0xFE5D: ("ͺ", "\u0345"), 0xFE60: (" \u0323", "\u0323"), 0xFE61: ("ˀ", "\u0309"),
    0xFE62: (" \u031b", "\u031b"), 0xFE64: ("ʼ", "\u0313"), 0xFE65: (" ʽ", "\u0314"), 0xFE66: (" \u030f", "\u030f"),
    0xFE68: ("ˍ", "\u0331"),
}  # fmt: skip
"""Dead key -> its accent without a letter, and as a combining character."""
_MOST_DEAD = 2


@cache
def library() -> ctypes.CDLL | None:
    """libxkbcommon, or None where it is not installed."""
    try:
        lib = ctypes.CDLL("libxkbcommon.so.0")
    except OSError:
        return None
    pointer, number, text = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p
    for name, result, arguments in (
        ("xkb_keysym_to_utf8", ctypes.c_int, [number, text, ctypes.c_size_t]),
        ("xkb_keysym_get_name", ctypes.c_int, [number, text, ctypes.c_size_t]),
        ("xkb_keysym_from_name", number, [text, ctypes.c_int]),
        ("xkb_keysym_to_upper", number, [number]),
        ("xkb_context_new", pointer, [ctypes.c_int]),
        ("xkb_compose_table_new_from_locale", pointer, [pointer, text, ctypes.c_int]),
        ("xkb_compose_state_new", pointer, [pointer, ctypes.c_int]),
        ("xkb_compose_state_feed", ctypes.c_int, [pointer, number]),
        ("xkb_compose_state_reset", None, [pointer]),
        ("xkb_compose_state_get_status", ctypes.c_int, [pointer]),
        ("xkb_compose_state_get_utf8", ctypes.c_int, [pointer, text, ctypes.c_size_t]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


@cache
def keysym_text(keysym: int) -> str | None:
    """The visible text (or space) that a keysym types alone: "a", "€", "4" for the keypad's; None for other keys."""
    lib = library()
    if lib is None:
        text = _text_without(keysym)
    else:
        buffer = ctypes.create_string_buffer(_BYTES)
        length = lib.xkb_keysym_to_utf8(keysym, buffer, _BYTES)
        text = buffer.value.decode() if length > 1 else None
    return text if text and text.isprintable() else None


def keysym_upper(keysym: int) -> int:
    """The capital's keysym: what Caps Lock makes of a key whose type does not know Caps Lock."""
    lib = library()
    if lib is not None:
        found = int(lib.xkb_keysym_to_upper(keysym))
    if lib is None or (found == keysym and keysym > 0x01000000):
        capital = (keysym_text(keysym) or "").upper()
        found = _unicode_keysym(capital) if len(capital) == 1 else keysym
    beyond = keysym <= 0xFF < found  # X knows no capital of ß, µ and ÿ; newer releases of the library do
    return keysym if beyond or not keysym_text(found) else found


def library_name(keysym: int) -> str | None:
    """The library's name of a keysym."""
    lib = library()
    if lib is None:
        return None
    buffer = ctypes.create_string_buffer(_BYTES)
    found = lib.xkb_keysym_get_name(keysym, buffer, _BYTES) > 0 and not buffer.value.startswith(b"0x")
    return buffer.value.decode() if found else None


def keysym_of(name: str) -> int:
    """The keysym that the library has by this name; 0: none."""
    lib = library()
    return int(lib.xkb_keysym_from_name(name.encode(), 0)) if lib is not None else 0


class Compose:
    """Dead keys and the Compose key, by the sequences of the locale (LC_ALL, LC_CTYPE, LANG) of this process."""

    def __init__(self) -> None:
        lib = library()
        self._lib = lib
        self._state = _new_state(lib) if lib is not None else None
        self._waiting: list[int] = []

    def type(self, keysym: int) -> str | None:
        """The text of a press, if any: of the key, or of the sequence that it completes.

        As in GTK's text entries, two accents of any order go on a letter where Unicode has the character, and of keys
        that do not belong together each stands alone.
        """
        lib, state = self._lib, self._state
        if lib is None or state is None or lib.xkb_compose_state_feed(state, keysym) != _ACCEPTED:
            return keysym_text(keysym)  # modifiers are not accepted, and end no sequence
        self._waiting.append(keysym)
        typed = ""
        while self._waiting:
            found = self.match(self._waiting)
            if found is None:
                break
            if found:
                self._waiting.clear()
                typed += found
            else:
                first = self._waiting.pop(0)
                typed += _DEAD[first][0] if first in _DEAD else keysym_text(first) or ""
        return typed if typed and typed.isprintable() else None

    def match(self, keysyms: Sequence[int]) -> str | None:
        """What a sequence makes; None: more has to come; "": nothing."""
        lib, state = self._lib, self._state
        if lib is None or state is None:
            return ""
        lib.xkb_compose_state_reset(state)
        for keysym in keysyms:
            lib.xkb_compose_state_feed(state, keysym)
        status = lib.xkb_compose_state_get_status(state)
        if status == _COMPOSED:
            buffer = ctypes.create_string_buffer(_BYTES)
            lib.xkb_compose_state_get_utf8(state, buffer, _BYTES)
            return buffer.value.decode()
        return None if status == _COMPOSING else _accented(keysyms)

    def reset(self) -> None:
        """Forget a sequence that was begun: the focus has gone elsewhere."""
        self._waiting.clear()
        if self._lib is not None and self._state is not None:
            self._lib.xkb_compose_state_reset(self._state)


def _accented(keysyms: Sequence[int]) -> str | None:
    """Accents on a letter by Unicode's own rules, for what the locale has no sequence for; as `Compose.match`."""
    *accents, last = keysyms
    dead = sum(keysym in _DEAD for keysym in keysyms)
    if dead <= _MOST_DEAD and dead == len(keysyms):
        return None
    letter = keysym_text(last)
    if not accents or dead != len(accents) or dead > _MOST_DEAD or not letter:
        return ""
    if letter == " " and dead == 1:
        return _DEAD[accents[0]][0]
    for order in (accents[::-1], accents):
        char = unicodedata.normalize("NFC", letter + "".join(_DEAD[keysym][1] for keysym in order))
        if len(char) == 1:
            return char
    return ""


def _new_state(lib: ctypes.CDLL) -> int | None:
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    context = _context(lib)
    for name in (locale if "utf" in locale.lower() else _FALLBACK_LOCALE, _FALLBACK_LOCALE):
        table = lib.xkb_compose_table_new_from_locale(context, name.encode(), 0)
        if table:
            return int(lib.xkb_compose_state_new(table, 0))
    return None


@cache
def _context(lib: ctypes.CDLL) -> int:
    return int(lib.xkb_context_new(0))


def _unicode_keysym(char: str) -> int:
    code = ord(char)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 + code


def _text_without(keysym: int) -> str | None:
    """Latin-1 keysyms are code points, 0x01xxxxxx are Unicode, the keypad's are ASCII in another place."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if 0x01000100 <= keysym <= 0x0110FFFF:
        return chr(keysym & 0xFFFFFF)
    if 0xFFAA <= keysym <= 0xFFB9 or keysym == 0xFFBD:
        return chr(keysym & 0x7F)
    return _older_chars().get(keysym)


@cache
def _older_chars() -> dict[int, str]:
    try:
        from pynput._util.xorg_keysyms import SYMBOLS  # Greek, Cyrillic, the euro sign: keysyms of their own
    except ImportError:  # pynput loads only where there is a display
        return {}
    return {int(code): str(char) for code, char in SYMBOLS.values() if char and 0xFF < code < 0xFD00}
