"""Input events as the X server saw them, with the server's own times (XRECORD).

The reader thread only queues; decoding and writing happen when the log is drained, so that a busy disk
never delays the X server.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.error import ConnectionClosedError
from Xlib.ext import record
from Xlib.protocol import rq

from collector.recording import Recording
from manifests.errors import GoaltraceError
from manifests.session import Action

BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "back", 9: "forward"}
WHEEL = {4: (0, 1), 5: (0, -1), 6: (-1, 0), 7: (1, 0)}  # button -> dx, dy


def unwrap_ms(server_ms: int, now_ns: int) -> int:
    """The CLOCK_MONOTONIC ns of an X event time.

    X event times are CLOCK_MONOTONIC in whole ms modulo 2^32; the true time is the one nearest to `now_ns`.
    """
    now_ms = now_ns // 1_000_000
    behind = (now_ms - server_ms + 2**31) % 2**32 - 2**31
    return (now_ms - behind) * 1_000_000


class InputLog:
    """Records every device event of an X display between `start()` and `stop()`."""

    def __init__(self, recording: Recording, display: str) -> None:
        self._recording = recording
        self._control = xdisplay.Display(display)
        if not self._control.has_extension("RECORD"):
            raise GoaltraceError(
                f"display {display}: the X server has no RECORD extension; use Xvfb, Xtigervnc or Xorg"
            )
        self._data = xdisplay.Display(display)
        self._queue: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self._context = self._data.record_create_context(
            0,
            [record.AllClients],
            [
                {
                    "core_requests": (0, 0),
                    "core_replies": (0, 0),
                    "ext_requests": (0, 0, 0, 0),
                    "ext_replies": (0, 0, 0, 0),
                    "delivered_events": (0, 0),
                    "device_events": (X.KeyPress, X.MotionNotify),
                    "errors": (0, 0),
                    "client_started": False,
                    "client_died": False,
                }
            ],
        )
        self._reader = threading.Thread(target=self._read, name="xrecord", daemon=True)
        self._writer = threading.Thread(target=self._write, name="input-log")
        self._seq = 0
        self.problems: list[str] = []
        """Why the log may be incomplete; empty if it is whole."""

    def start(self) -> None:
        self._reader.start()
        self._writer.start()

    def stop(self) -> None:
        """Wait until every event that the server has seen so far is on disk."""
        self._control.sync()
        time.sleep(0.05)  # the recording connection's last events travel on another socket
        self._control.record_disable_context(self._context)
        self._control.flush()
        self._reader.join(timeout=2)
        if self._reader.is_alive():
            self.problems.append("the X server did not end the input recording")
        self._queue.put(None)
        self._writer.join()
        self._control.close()

    def _read(self) -> None:
        try:
            self._data.record_enable_context(self._context, self._queue_reply)
            self._data.record_free_context(self._context)
        except (ConnectionClosedError, OSError) as error:
            self.problems.append(f"the X server stopped reporting input: {error}")

    def _queue_reply(self, reply: Any) -> None:
        if reply.category == record.FromServer and not reply.client_swapped and reply.data:
            self._queue.put((time.monotonic_ns(), reply.data))

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            now_ns, data = item
            while data:
                event, data = rq.EventField(None).parse_binary_value(data, self._control.display, None, None)
                action = self._decode(event, now_ns)
                if action is not None:
                    self._recording.actions.write(action)

    def _decode(self, event: Any, now_ns: int) -> Action | None:
        fields: dict[str, Any] = {"x": event.root_x, "y": event.root_y}
        if event.type == X.MotionNotify:
            fields["kind"] = "move"
        elif event.type in (X.ButtonPress, X.ButtonRelease):
            pressed = event.type == X.ButtonPress
            if event.detail in WHEEL:
                if not pressed:
                    return None  # a wheel click has no duration
                fields["kind"] = "scroll"
                fields["dx"], fields["dy"] = WHEEL[event.detail]
            else:
                fields["kind"] = "button_down" if pressed else "button_up"
                fields["button"] = BUTTONS.get(event.detail, f"button{event.detail}")
        elif event.type in (X.KeyPress, X.KeyRelease):
            fields["kind"] = "key_down" if event.type == X.KeyPress else "key_up"
            fields |= self._key(event.detail, event.state)
        else:
            return None
        self._seq += 1
        t_ns = self._recording.since_start(unwrap_ms(event.time, now_ns))
        return Action(seq=self._seq, t_ns=t_ns, **fields)

    def _key(self, keycode: int, state: int) -> dict[str, Any]:
        shifted = bool(state & X.ShiftMask) ^ bool(state & X.LockMask)
        keysym = self._control.keycode_to_keysym(keycode, int(shifted)) or self._control.keycode_to_keysym(keycode, 0)
        char = keysym_to_char(keysym) if not state & (X.ControlMask | X.Mod1Mask | X.Mod4Mask) else None
        return {"key": keysym_name(keysym), "keysym": keysym, "char": char}


def keysym_to_char(keysym: int) -> str | None:
    """The text a keysym types: Latin-1 keysyms are code points, 0x01xxxxxx are Unicode (X protocol, appendix A)."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if 0x01000100 <= keysym <= 0x0110FFFF:
        return chr(keysym & 0xFFFFFF)
    return None


def keysym_name(keysym: int) -> str:
    """ "a", "Return", "Shift_L"; keysyms without a name are given in hexadecimal."""
    char = keysym_to_char(keysym)
    if char is not None and not char.isspace():
        return char
    return _names().get(keysym) or f"0x{keysym:x}"


_NAMES: dict[int, str] = {}


def _names() -> dict[int, str]:
    if not _NAMES:
        for name in dir(XK):
            if name.startswith("XK_"):
                _NAMES.setdefault(getattr(XK, name), name[3:])
    return _NAMES
