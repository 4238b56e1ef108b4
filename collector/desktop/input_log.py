"""Input events as the X server saw them, with the server's own times (XRECORD).

The reader thread only queues; decoding and writing happen when the log is drained, so that a busy disk
never delays the X server.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

from Xlib import X
from Xlib.error import ConnectionClosedError
from Xlib.ext import record
from Xlib.protocol import rq

from collector.desktop.clock import unwrap_ms
from collector.recording.session import Recording
from collector.x11.connect import open_display
from collector.x11.keyboard import Keyboard
from collector.x11.xkbcommon import MISSING, library
from manifests.errors import GoaltraceError
from manifests.session import Action

BUTTONS = {1: "left", 2: "middle", 3: "right", 8: "back", 9: "forward"}
_PATIENCE_S = 10
WHEEL = {4: (0, 1), 5: (0, -1), 6: (-1, 0), 7: (1, 0)}  # button -> dx, dy


class InputLog:
    """Records every device event of an X display between `start()` and `stop()`."""

    def __init__(self, recording: Recording, display: str | None) -> None:
        self._recording = recording
        self._control = open_display(display)
        if not self._control.has_extension("RECORD"):
            raise GoaltraceError(
                f"display {display}: the X server has no RECORD extension; use Xvfb, Xtigervnc or Xorg"
            )
        self._keyboard = Keyboard(open_display(display))
        if library() is None:
            recording.note(MISSING)
        self._data = open_display(display)
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
                    "delivered_events": (X.MappingNotify, X.MappingNotify),  # in order with the keys
                    "device_events": (X.KeyPress, X.MotionNotify),
                    "errors": (0, 0),
                    "client_started": False,
                    "client_died": False,
                }
            ],
        )
        self._begun = threading.Event()
        self._reader = threading.Thread(target=self._read, name="xrecord", daemon=True)
        self._writer = threading.Thread(target=self._write, name="input-log")
        self._seq = 0
        self.problems: list[str] = []
        """Why the log may be incomplete; empty if it is whole."""
        self.lags: list[int] = []
        """ns from each event's own time to its arrival here."""

    def start(self) -> None:
        """Returns when the server reports every event from now on."""
        self._reader.start()
        self._writer.start()
        if not self._begun.wait(_PATIENCE_S):
            self.problems.append("the X server did not begin the input recording")

    def stop(self) -> None:
        """Wait until every event that the server has seen so far is on disk."""
        self._control.sync()
        time.sleep(0.05)  # the recording connection's last events travel on another socket
        self._control.record_disable_context(self._context)
        self._control.flush()
        self._reader.join(_PATIENCE_S)
        if self._reader.is_alive():
            self.problems.append("the X server did not end the input recording")
        self._queue.put(None)
        self._writer.join()
        self._keyboard.close()
        self._control.close()

    def _read(self) -> None:
        try:
            self._data.record_enable_context(self._context, self._queue_reply)
            self._data.record_free_context(self._context)
        except (ConnectionClosedError, OSError) as error:
            self.problems.append(f"the X server stopped reporting input: {error}")
        finally:
            self._begun.set()

    def _queue_reply(self, reply: Any) -> None:
        if reply.category == record.StartOfData:
            self._begun.set()
        elif reply.category == record.FromServer and not reply.client_swapped and reply.data:
            self._queue.put((time.monotonic_ns(), reply.data))

    def _write(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                self._log(*item)
        except OSError as error:
            self.problems.append(f"input could not be written: {error}")
        except ConnectionClosedError as error:
            self.problems.append(f"the X server's keyboard could not be read: {error}")

    def _log(self, now_ns: int, data: bytes) -> None:
        actions = []
        while data:
            event, data = rq.EventField(None).parse_binary_value(data, self._control.display, None, None)
            action = self._decode(event, now_ns)
            if action is not None:
                actions.append(action)
        self._recording.log(*actions)
        if self._queue.empty():
            self._keyboard.refresh()  # while it is new: a program may change the keyboard again for its next key

    def _decode(self, event: Any, now_ns: int) -> Action | None:
        if event.type == X.MappingNotify:
            self._keyboard.changed()
            return None
        fields: dict[str, Any] = {"x": event.root_x, "y": event.root_y}
        if event.type == X.MotionNotify:
            fields["kind"] = "move"
        elif event.type in (X.ButtonPress, X.ButtonRelease):
            pressed = event.type == X.ButtonPress
            self._keyboard.forget_accent()
            if event.detail in WHEEL:
                if not pressed:
                    return None  # a wheel click has no duration
                fields["kind"] = "scroll"
                fields["dx"], fields["dy"] = WHEEL[event.detail]
            else:
                fields["kind"] = "button_down" if pressed else "button_up"
                fields["button"] = BUTTONS.get(event.detail, f"button{event.detail}")
        elif event.type in (X.KeyPress, X.KeyRelease):
            pressed = event.type == X.KeyPress
            stroke = (self._keyboard.press if pressed else self._keyboard.release)(event.detail, event.state)
            fields["kind"] = "key_down" if pressed else "key_up"
            fields |= vars(stroke)
        else:
            return None
        self._seq += 1
        at_ns = unwrap_ms(event.time, now_ns)
        self.lags.append(now_ns - at_ns)
        return Action(seq=self._seq, t_ns=self._recording.since_start(at_ns), **fields)
