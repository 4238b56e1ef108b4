"""Runs in the desktop container: goes in and out of real password fields and says what the watch reported.

`python password_fields.py gtk|chromium` prints one JSON line a step: what was done, the report that followed, and the
ms between the key that moved the focus and the time in the report.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest

GTK = """
from ctypes import CDLL, c_void_p
gtk = CDLL("libgtk-3.so.0")
for name in ("gtk_window_new", "gtk_box_new", "gtk_entry_new"):
    getattr(gtk, name).restype = c_void_p
gtk.gtk_init(None, None)
window, box = c_void_p(gtk.gtk_window_new(0)), c_void_p(gtk.gtk_box_new(1, 8))
name, password = c_void_p(gtk.gtk_entry_new()), c_void_p(gtk.gtk_entry_new())
gtk.gtk_entry_set_visibility(password, 0)
for field in (name, password):
    gtk.gtk_container_add(box, field)
gtk.gtk_container_add(window, box)
gtk.gtk_widget_show_all(window)
gtk.gtk_widget_grab_focus(name)
gtk.gtk_main()
"""
PAGE = "<!doctype html><title>Sign in</title><input id=n autofocus><br><input type=password><br><button>Go</button>"
PROGRAMS = {"gtk": ["/usr/bin/python3", "-c", GTK], "chromium": ["chromium"]}


class Reports:
    """The lines of the watch, as they come."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "collector.human.password_watch"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self, timeout_s: float) -> dict[str, Any] | None:
        try:
            return self._lines.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))


def main(program: str) -> None:
    display = xdisplay.Display()
    reports = Reports()

    def step(name: str, *keys: str, wait_s: float = 3) -> None:
        time.sleep(0.5)
        started = time.monotonic_ns()
        for kind, order in ((X.KeyPress, keys), (X.KeyRelease, reversed(keys))):
            for key in order:
                xtest.fake_input(display, kind, display.keysym_to_keycode(XK.string_to_keysym(key)))
        display.sync()
        say(name, started, wait_s)

    def say(name: str, started: int, wait_s: float = 3) -> None:
        report = reports.next(wait_s) or {}
        lag_ms = round((report["t_ns"] - started) / 1e6, 1) if "t_ns" in report else None
        print(json.dumps({"step": name, "focus": report.get("focus"), "error": report.get("error"), "lag_ms": lag_ms}),
              flush=True)  # fmt: skip

    say("start", time.monotonic_ns(), 10)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "sign-in.html"
        page.write_text(PAGE)
        running = subprocess.Popen([*PROGRAMS[program], *([page.as_uri()] if program == "chromium" else [])])
        time.sleep(6 if program == "chromium" else 3)
        step("a plain field has the focus", wait_s=1)
        step("tab into the password field", "Tab")
        step("type a letter", "a", wait_s=0.7)
        step("tab out of it", "Shift_L", "Tab")
        step("tab into it again", "Tab")
        window = display.screen().root.create_window(600, 500, 200, 100, 0, X.CopyFromParent, override_redirect=True)
        before = display.get_input_focus().focus
        window.map()
        display.sync()
        started = time.monotonic_ns()
        display.set_input_focus(window, X.RevertToPointerRoot, X.CurrentTime)
        display.sync()
        say("to a window that AT-SPI does not know", started)
        time.sleep(0.5)
        started = time.monotonic_ns()
        display.set_input_focus(before, X.RevertToPointerRoot, X.CurrentTime)
        window.destroy()
        display.sync()
        say("and back", started)
        running.send_signal(signal.SIGSTOP)
        step("its program hangs for a while", wait_s=4)
        running.send_signal(signal.SIGCONT)
        step("start to watch while it has the focus", wait_s=0.1)
        again = Reports()
        print(json.dumps({"step": "a new watch", "focus": (again.next(10) or {}).get("focus")}), flush=True)
        started = time.monotonic_ns()
        running.kill()
        say("its program ends", started, 5)
        for watch in (reports, again):
            assert watch.process.stdin is not None
            watch.process.stdin.close()
            print(json.dumps({"step": "its input closes", "status": watch.process.wait(5)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
