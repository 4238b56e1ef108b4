"""Reports when a password field has the focus: a process of its own, which only needs Python and AT-SPI.

`python -m collector.human.password_watch` prints JSON lines: {"t_ns": CLOCK_MONOTONIC, "focus": true or false}, first
for what has the focus now, then at every change; or one {"error": "..."} when the desktop does not say. It ends when
its standard input closes, so that it cannot outlive the recorder. `--check` prints the first line and ends; the line
then has "everywhere" as well: false where browsers and Qt programs report nothing, as accessibility is not turned on.

It is a program and not a part of the recorder because AT-SPI's Python (gi) belongs to the system's own interpreter.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from typing import Any

SYSTEM_PYTHON = "/usr/bin/python3"
POLL_MS = 100
"""How often a focused password field is looked at again: one that vanishes with its window sends no event."""
SETTLED_NS = 200_000_000
"""So long no password field must have the focus before that is reported: programs' events come out of order."""
_TIMED_OUT = 1  # the code of AT-SPI's error where a program did not answer in time
_SEARCH_S = 1.0
_SEARCH_NODES = 5000


class PasswordWatch:
    """Follows the focus; `found` is the password field that has it, or None.

    Whoever does not answer in time is taken to have a password field as before: too much is hidden, never too little.
    """

    def __init__(self, atspi: Any, glib: Any) -> None:
        self._atspi = atspi
        self._glib = glib
        self._found: Any = None
        self._reported: bool | None = None
        self._last: Any = None
        self._lost_ns: int | None = None

    def start(self) -> None:
        self._listener = self._atspi.EventListener.new(self._on_event)
        for event in ("object:state-changed:focused", "focus:", "window:activate", "window:deactivate"):
            self._listener.register(event)
        self._found = self.search()
        self._report()
        self._glib.timeout_add(POLL_MS, self._poll)

    def _on_event(self, event: Any) -> None:
        received_ns = time.monotonic_ns()
        if event.type.startswith("window:"):
            if event.type == "window:deactivate" and self._is_in(event.source):
                self._found = None  # a browser's field keeps its state, but keys go elsewhere now
            elif event.type == "window:activate" and self._found is None:
                self._found = self.search(event.source)
        elif event.detail1 or event.type.startswith("focus"):
            self._found = event.source if self._is_password(event.source) else None
        elif self._found is not None and event.source == self._found:
            self._found = None
        self._report(received_ns)

    def _poll(self) -> bool:
        if self._found is not None and not self._is_focused(self._found):
            self._found = None
        self._report()
        return True

    def _is_password(self, accessible: Any) -> bool:
        try:
            return bool(accessible.get_role() == self._atspi.Role.PASSWORD_TEXT)
        except self._glib.Error as error:  # it is gone already, or busy
            return bool(error.code == _TIMED_OUT)

    def _is_in(self, window: Any) -> bool:
        """True when the field found is in `window`, or in none any more."""
        try:
            return self._window_of(self._found) in (None, window)
        except self._glib.Error as error:
            return bool(error.code != _TIMED_OUT)

    def _window_of(self, node: Any) -> Any:
        for _ in range(200):
            above = node.get_parent()
            if above is None or above.get_role() == self._atspi.Role.APPLICATION:
                return node if above is not None else None
            node = above
        return None

    def _is_focused(self, field: Any) -> bool:
        return self._has(self._atspi.StateType.FOCUSED, field) and self._is_password(field)

    def _is_focused_in_the_active_window(self, field: Any) -> bool:
        try:
            window = self._window_of(field)
        except self._glib.Error as error:
            return bool(error.code == _TIMED_OUT)
        return window is not None and self._has(self._atspi.StateType.ACTIVE, window) and self._is_focused(field)

    def _has(self, state: Any, accessible: Any) -> bool:
        try:
            accessible.clear_cache()
            states = accessible.get_state_set()
            if states.contains(self._atspi.StateType.DEFUNCT):
                accessible.get_role()  # a program that is only busy looks defunct too: only asking for more shows
                return False
            return bool(states.contains(state))
        except self._glib.Error as error:
            return bool(error.code == _TIMED_OUT)

    def search(self, window: Any = None) -> Any:
        """A focused password field in `window`, or in any active one; looked for breadth first, a second at most."""
        states = self._atspi.StateType
        until = time.monotonic() + _SEARCH_S
        waiting = [window] if window is not None else self._active_windows()
        for _ in range(_SEARCH_NODES):
            if not waiting or time.monotonic() > until:
                break
            node = waiting.pop(0)
            try:
                held = node.get_state_set()
                if held.contains(states.FOCUSED) and self._is_password(node):
                    return node
                if held.contains(states.MANAGES_DESCENDANTS):
                    continue
                waiting += [node.get_child_at_index(i) for i in range(min(node.get_child_count(), 200))]
                waiting = [child for child in waiting if child is not None]
            except self._glib.Error:
                continue
        return None

    def _active_windows(self) -> list[Any]:
        desktop = self._atspi.get_desktop(0)
        windows = []
        for i in range(desktop.get_child_count()):
            try:
                program = desktop.get_child_at_index(i)
                for j in range(program.get_child_count()):
                    window = program.get_child_at_index(j)
                    if window is not None and window.get_state_set().contains(self._atspi.StateType.ACTIVE):
                        windows.append(window)
            except (self._glib.Error, AttributeError):  # a program that is ending
                continue
        return windows

    def _report(self, t_ns: int | None = None) -> None:
        now_ns = time.monotonic_ns()
        if self._found is None and self._reported:
            self._lost_ns = self._lost_ns or now_ns
            if now_ns - self._lost_ns < SETTLED_NS:
                return
            if self._is_focused_in_the_active_window(self._last):  # an older report came later
                self._found = self._last
        focus = self._found is not None
        self._last, self._lost_ns = self._found, None
        if focus != self._reported:
            self._reported = focus
            _print(t_ns=t_ns if focus and t_ns else now_ns, focus=focus)


def main(arguments: list[str]) -> int:
    """Watch until standard input closes; 1 when AT-SPI cannot be had."""
    try:
        gi = importlib.import_module("gi")
        gi.require_version("Atspi", "2.0")
        atspi, glib = (importlib.import_module(f"gi.repository.{name}") for name in ("Atspi", "GLib"))
    except (ImportError, ValueError):
        if sys.executable != SYSTEM_PYTHON and os.access(SYSTEM_PYTHON, os.X_OK) and "--system" not in arguments:
            sys.stdout.flush()
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, os.path.abspath(__file__), "--system", *arguments])  # noqa: PTH100
        _print(error="the system's Python has no AT-SPI (on Debian: apt install gir1.2-atspi-2.0 python3-gi)")
        return 1
    atspi.set_timeout(800, 3000)
    if atspi.init() not in (0, 1) or atspi.get_desktop_count() < 1:
        _print(error="no accessibility bus answers; start it with at-spi2-core")
        return 1
    try:
        atspi.get_desktop(0).get_child_count()
    except glib.Error as error:
        _print(error=f"no accessibility bus answers: {error.message}")
        return 1
    loop = glib.MainLoop()
    watch = PasswordWatch(atspi, glib)
    if "--check" in arguments:
        _print(t_ns=time.monotonic_ns(), focus=watch.search() is not None, everywhere=_is_turned_on(glib))
        return 0
    watch.start()
    threading.Thread(target=_until_stdin_closes, args=(loop, glib), daemon=True).start()
    loop.run()
    return 0


def _is_turned_on(glib: Any) -> bool:
    gio = importlib.import_module("gi.repository.Gio")
    try:
        status = gio.DBusProxy.new_for_bus_sync(
            gio.BusType.SESSION, 0, None, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Status", None
        )
        on = (status.get_cached_property(name) for name in ("IsEnabled", "ScreenReaderEnabled"))
        return any(value is not None and value.get_boolean() for value in on)
    except glib.Error:
        return False


def _until_stdin_closes(loop: Any, glib: Any) -> None:
    while os.read(0, 1024):
        pass
    glib.idle_add(loop.quit)
    time.sleep(2)
    os._exit(0)  # a desktop that does not answer must not keep us


def _print(**fields: object) -> None:
    try:
        print(json.dumps(fields), flush=True)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
