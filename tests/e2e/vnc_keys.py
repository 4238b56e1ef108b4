"""Runs in the desktop container: keys as a browser's VNC client sends them, and what the input log makes of them.

Prints one JSON line: the logged keys as [kind, key, char, repeat].
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DISPLAY, SOCKET = ":7", "/tmp/keys.sock"
TYPED = (0x40, 0x20AC, 0x7B, 0xFC, 0x6D7, 0x6C8, 0x41, 0x34, 0xFFB4, 0xE9, 0x1001E9E, 0x100015F)
"""@ € { ü в х A 4 4 (the keypad's) é ẞ ş's capital"""


def main(layout: str) -> None:
    os.environ["DISPLAY"] = DISPLAY
    options = ["-rfbport", "-1", "-rfbunixpath", SOCKET, "-SecurityTypes", "None", "-geometry", "640x480"]
    server = subprocess.Popen(["Xtigervnc", DISPLAY, *options], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not Path(SOCKET).exists() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1)
    from Xlib import display as xdisplay

    keep = xdisplay.Display(DISPLAY)  # a server whose last client goes begins anew
    subprocess.run(["setxkbmap", layout], check=True)
    client = connect()
    try:
        print(json.dumps(log_of(client)))
    finally:
        client.close()
        keep.close()
        server.terminate()


def connect() -> socket.socket:
    """A client of RFB 3.8 without a password."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(SOCKET)
    client.sendall(client.recv(12))
    client.recv(client.recv(1)[0])
    client.sendall(b"\x01")
    assert client.recv(4) == bytes(4)
    client.sendall(b"\x01")
    client.recv(2000)
    return client


def log_of(client: socket.socket) -> list[list[object]]:
    from collector.desktop.input_log import InputLog
    from collector.episodes.spec import EpisodeSpec
    from collector.recording.session import Recording
    from manifests.task import find_task

    task = find_task("desktop-editor-note").instantiate(1)
    spec = EpisodeSpec.of(task, session_id="s", agent="scripted", fps=15, environment="docker")
    path = Path(tempfile.mkdtemp()) / "s"
    recording = Recording(path, spec, clock="xserver", width=640, height=480, cursor_in_pixels=True, versions={})
    log = InputLog(recording, DISPLAY)
    log.start()

    def key(keysym: int, down: bool) -> None:
        client.sendall(struct.pack(">BBxxI", 4, down, keysym))
        time.sleep(0.03)

    for _ in range(10):
        key(0x61, True)  # a browser repeats a held key by presses alone
    key(0x61, False)
    for keysym in (*TYPED, 0xFE51, 0x65):  # and a dead accent, and an e
        key(keysym, True)
        key(keysym, False)
    time.sleep(0.3)
    log.stop()
    recording.end("unverified", "")
    return [[a.kind, a.key, a.char, a.repeat] for a in recording.folder.actions()]


if __name__ == "__main__":
    main(sys.argv[1])
