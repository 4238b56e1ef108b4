"""Runs in the desktop container: a person's recording in which a password is typed into a real password field.

`python password_session.py SPEC SESSION` types "ab" into a plain field, "pw" into the password field, "cd" into the
plain one again, and prints the session's keys and how its frames and events went as one JSON line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from password_fields import GTK
from Xlib import XK, X
from Xlib import display as xdisplay
from Xlib.ext import xtest

from manifests.session import SessionFolder


def press(display: xdisplay.Display, *keys: str) -> None:
    for kind, order in ((X.KeyPress, keys), (X.KeyRelease, reversed(keys))):
        for key in order:
            xtest.fake_input(display, kind, display.keysym_to_keycode(XK.string_to_keysym(key)))
    display.sync()
    time.sleep(0.6)


def main(spec: str, session: str) -> None:
    display = xdisplay.Display()
    program = subprocess.Popen(["/usr/bin/python3", "-c", GTK])
    time.sleep(3)
    recorder = subprocess.Popen(
        [sys.executable, "-m", "collector.runner", spec, session],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert recorder.stdin is not None and recorder.stdout is not None
    while '"state"' not in recorder.stdout.readline():
        pass
    time.sleep(2)
    for keys in ("a", "b", "Tab", "p", "w", "Shift_L+Tab", "c", "d"):
        press(display, *keys.split("+"))
    time.sleep(1)
    recorder.stdin.write('{"do": "done", "reason": "test"}\n')
    recorder.stdin.flush()
    recorder.communicate(timeout=60)
    program.kill()
    folder = SessionFolder(Path(session))
    hide, show = (event.t_ns for event in folder.events())
    inside = [frame.redacted for frame in folder.frames() if frame.t0_ns >= hide and frame.t1_ns <= show]
    print(json.dumps({
        "keys": [a.key or "?" for a in folder.actions() if a.kind == "key_down"],
        "leaks": [a.model_dump() for a in folder.actions() if a.redacted and (a.key or a.char or a.keysym)],
        "events": [(event.kind, event.reason) for event in folder.events()],
        "frames": [len(inside), sum(inside)],
        "notes": folder.read_manifest().notes,
    }))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
