"""Input events as callbacks report them (pynput), for screens without XRECORD: Windows and macOS.

An event's time is CLOCK_MONOTONIC when the callback ran, which is some time after the event, since no system hands its
own time to the callback. On an idle X server that delay was 1 ms in the middle and up to 185 ms at worst; a session
recorded this way says so (`clock.source` "callback", `CLOCK_REASONS`) and can be left out of a selection.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from collector.recording.session import Recording
from collector.x11.key_names import DEAD_KEYS, KEYS, MAC_KEYS, char_keysym
from collector.x11.stroke import Stroke
from manifests.errors import GoaltraceError
from manifests.session import Action

CLOCK_REASONS = [
    "an action's time is when its callback ran, later than the event by an unknown delay (1 ms typical, 10 ms often, "
    "up to 200 ms)"
]
_LATE_S = 0.3
"""A callback of what just happened comes later than this only where it had to wait for a core."""
_BUTTONS = {"x1": "back", "x2": "forward", "button8": "back", "button9": "forward"}
_CHORD_KEYS = {"Control_L", "Control_R", "Super_L", "Super_R"} | (
    {"Alt_L", "Alt_R"} if sys.platform != "darwin" else set()
)
"""While one of them is held a key types no text; on a Mac Alt (Option) is how many characters are typed."""
_ON_X = sys.platform.startswith("linux")


def clock_reasons() -> list[str]:
    """Why the times of this machine's callbacks cannot be fully trusted."""
    tick_ms = time.get_clock_info("monotonic").resolution * 1e3
    coarse = [f"the system's monotonic clock ticks every {tick_ms:.1f} ms"] if tick_ms > 1 else []
    return CLOCK_REASONS + coarse


class CallbackInput:
    """Records every input event of this machine's screen between `start()` and `stop()`."""

    def __init__(self, recording: Recording, display: str | None) -> None:
        from pynput import keyboard, mouse

        self._recording = recording
        self._map = _to_pixels(recording.manifest.width)
        self._pointer = self._map(*mouse.Controller().position)
        self._keys = _keys(recording, display)
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[int, Callable[..., dict[str, Any] | None], tuple[Any, ...]] | None] = (
            queue.SimpleQueue()
        )
        self._listeners = [
            mouse.Listener(
                on_move=lambda x, y: self._put(self._move, x, y),
                on_click=lambda x, y, button, pressed: self._put(self._click, x, y, button, pressed),
                on_scroll=lambda x, y, dx, dy: self._put(self._scroll, x, y, dx, dy),
            ),
            (_raw_listener() if _ON_X else keyboard.Listener)(
                on_press=lambda key: self._put(self._key, key, True),
                on_release=lambda key: self._put(self._key, key, False),
            ),
        ]
        self._writer = threading.Thread(target=self._write, name="input-log")
        self._seq = 0
        self.problems: list[str] = []
        """Why the log may be incomplete; empty if it is whole."""
        self.lags: list[int] = []
        """Always empty: a callback's delay cannot be measured, its event has no other time."""

    def start(self) -> None:
        self._writer.start()
        for listener in self._listeners:
            listener.start()
            listener.wait()
            if not getattr(listener, "IS_TRUSTED", True):
                self.stop()
                raise GoaltraceError(
                    "macOS shows no input to this program: allow your terminal under System Settings, Privacy & "
                    "Security, Input Monitoring and Accessibility, then start it again"
                )

    def stop(self) -> None:
        """Wait until every event reported so far is on its way to the log."""
        time.sleep(_LATE_S)
        for listener in self._listeners:
            if not listener.running and listener.ident is not None:
                self.problems.append(f"input was no longer reported: {type(listener).__module__} ended early")
            listener.stop()
        self._queue.put(None)
        self._writer.join()
        self._keys.close()

    def _put(self, decode: Callable[..., dict[str, Any] | None], *event: Any) -> None:
        with self._lock:  # mouse and keyboard call from two threads; their times must not cross
            self._queue.put((time.monotonic_ns(), decode, event))

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            heard_ns, decode, event = item
            fields = decode(*event)
            if fields is not None:
                self._seq += 1
                x, y = self._pointer
                t_ns = self._recording.since_start(heard_ns)
                self._recording.log(Action(seq=self._seq, t_ns=t_ns, x=x, y=y, **fields))

    def _move(self, x: float, y: float) -> dict[str, Any]:
        self._pointer = self._map(x, y)
        return {"kind": "move"}

    def _click(self, x: float, y: float, button: Any, pressed: bool) -> dict[str, Any]:
        self._pointer = self._map(x, y)
        self._keys.forget_accent()
        return {
            "kind": "button_down" if pressed else "button_up",
            "button": _BUTTONS.get(button.name, button.name),
        }

    def _scroll(self, x: float, y: float, dx: float, dy: float) -> dict[str, Any] | None:
        self._pointer = self._map(x, y)
        clicks = {"dx": round(dx), "dy": round(dy)}
        return {"kind": "scroll"} | clicks if any(clicks.values()) else None

    def _key(self, key: Any, pressed: bool) -> dict[str, Any]:
        return {"kind": "key_down" if pressed else "key_up"} | vars(self._keys.stroke(key, pressed))


class _Keys(Protocol):
    """Knows what pynput's keys mean, press after press."""

    def close(self) -> None: ...
    def forget_accent(self) -> None: ...
    def stroke(self, key: Any, pressed: bool) -> Stroke: ...


def _keys(recording: Recording, display: str | None) -> _Keys:
    if not _ON_X:
        return _Described()
    from collector.x11.connect import open_display
    from collector.x11.xkbcommon import MISSING, library

    if library() is None:
        recording.note(MISSING)
    return _OnX(open_display(display))


def _raw_listener() -> Any:
    """pynput's listener for X, made to report keycode and state: its own table has two columns and knows no layouts."""
    from pynput import keyboard

    class Listener(keyboard.Listener):  # type: ignore[misc]
        def _event_to_key(self, display: Any, event: Any) -> tuple[int, int]:
            return int(event.detail), int(event.state)

    return Listener


class _OnX:
    """By the X server's keyboard, as a recording by XRECORD does."""

    def __init__(self, display: Any) -> None:
        from collector.x11.keyboard import Keyboard

        self._keyboard = Keyboard(display)

    def close(self) -> None:
        self._keyboard.close()

    def forget_accent(self) -> None:
        self._keyboard.forget_accent()

    def stroke(self, key: Any, pressed: bool) -> Stroke:
        if not isinstance(key, tuple):  # a pynput controller in this very process
            name, keysym, char = describe_key(key)
            return Stroke(name, keysym, char)
        self._keyboard.catch_up()
        return (self._keyboard.press if pressed else self._keyboard.release)(*key)


class _Described:
    """By pynput's own description of a key: Windows and macOS."""

    def __init__(self) -> None:
        self._down: dict[Any, Stroke] = {}
        self._accent: Any = None

    def close(self) -> None:
        pass

    def forget_accent(self) -> None:
        self._accent = None

    def stroke(self, key: Any, pressed: bool) -> Stroke:
        which = getattr(key, "vk", None) or getattr(key, "name", None) or key
        before = self._down.get(which)
        if not pressed:
            self._down.pop(which, None)
            return before or Stroke(*describe_key(key)[:2], None, _shortcut(key))
        name, keysym, char = describe_key(key)
        held = {stroke.key for stroke in self._down.values()}
        chord = held & _CHORD_KEYS and "ISO_Level3_Shift" not in held
        text = None if chord else self._typed(key, char)
        if before is not None:
            return Stroke(before.key, before.keysym, text, before.shortcut, repeat=True)
        self._down[which] = Stroke(name, keysym, text, _shortcut(key))
        return self._down[which]

    def _typed(self, key: Any, char: str | None) -> str | None:
        """The text of a press: an accent waits for its letter."""
        accent = self._accent
        if getattr(key, "is_dead", False):
            self._accent = key if accent is None else None
            return None if accent is None else (accent.char or "") + (key.char or "")
        if char is None or accent is None:
            return char
        self._accent = None
        try:
            joined = str(accent.join(key).char)
        except ValueError:
            joined = ""
        return joined if len(joined) == 1 else (accent.char or "") + char


def _shortcut(key: Any) -> str | None:
    """The letter or digit that a key is in shortcuts, also where it types another alphabet's."""
    char = getattr(key, "char", None)
    if char is not None and len(char) == 1 and char.isascii() and char.isalnum():
        return str(char.lower())
    return _plain(char, getattr(key, "vk", None))


def describe_key(key: Any) -> tuple[str, int | None, str | None]:
    """(X name, keysym, text) of a pynput key; keys that have no X name here are named by their number.

    `key` is a `pynput.keyboard.Key` (a key with a name) or a `KeyCode` (a character, or a number alone).
    """
    if key is None:
        return "unknown", None, None
    name = getattr(key, "name", None)
    if name is not None:
        known, keysym = KEYS.get(name, (name, None))
        return known, keysym, " " if known == "space" else None
    char, number = key.char, key.vk
    if key.is_dead:
        known, keysym = DEAD_KEYS.get(getattr(key, "combining", None) or char or "", ("dead", None))
        return known, keysym, None
    if char is not None and char.isprintable() and (sys.platform != "darwin" or char.isascii()):
        return ("space" if char == " " else char), char_keysym(char), char
    text = char if char is not None and char.isprintable() else None
    plain = _plain(char, number)
    if plain is not None:
        return plain, char_keysym(plain), text
    if text is not None:
        return text, char_keysym(text), text
    return _by_number(number)


def _plain(char: str | None, number: int | None) -> str | None:
    """The letter or digit on a key whose character hides it: Control makes "\\x10" of p, a Mac's Option makes "π"."""
    if sys.platform == "darwin":
        return MAC_KEYS.get(number) if number is not None else None
    if sys.platform == "win32" and number is not None and chr(number).isalnum() and number < 0x5B:
        return chr(number).lower()
    return chr(ord(char) + 0x60) if char is not None and "\x01" <= char <= "\x1a" else None


def _by_number(number: int | None) -> tuple[str, int | None, str | None]:
    if number is None:
        return "unknown", None, None
    if sys.platform == "linux":
        from collector.x11.keyboard import keysym_name

        return keysym_name(number), number, None  # pynput's numbers are keysyms on X
    return f"key{number}", None, None


def _to_pixels(width: int) -> Callable[[float, float], tuple[int, int]]:
    """From the system's pointer coordinates to pixels of the frames, which are `width` wide.

    A screen left of the main one has negative coordinates, and a Mac counts points of which a pixel is a half.
    """
    if sys.platform == "linux":
        return lambda x, y: (int(x), int(y))
    import mss

    with mss.MSS() as screens:
        area = screens.monitors[0]
    left, top, scale = area["left"], area["top"], width / area["width"]
    return lambda x, y: (int((x - left) * scale), int((y - top) * scale))
