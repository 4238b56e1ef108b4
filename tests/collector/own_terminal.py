"""A command in a real terminal of its own, as a person has it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.waiting import PATIENCE_S

OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C in it reaches the program
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Terminal:
    """`goaltrace record ...` in a real terminal."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._end, end = pty.openpty()
        command = [sys.executable, "-c", OWN_TERMINAL, "-m", "goaltrace", "record", "--agent", "human", *arguments]
        self.process = subprocess.Popen(
            command, stdin=end, stdout=end, stderr=end, env=os.environ | environment, start_new_session=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        os.close(end)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def wait_for(self, text: str, seconds: float = 20, times: int = 1) -> None:
        until = time.monotonic() + seconds
        while self.shown.count(text) < times:
            assert self._read(until), f"{text!r} was not shown: {self.shown[-2000:]}"

    def wait_and_read(self, seconds: float) -> str:
        """Everything shown so far, after waiting a moment for more."""
        self._read(time.monotonic() + seconds)
        return self.shown

    def wait(self, seconds: float = 30) -> int:
        until = time.monotonic() + seconds
        while self._read(until):
            pass
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._end)

    def _read(self, until: float) -> bool:
        """False at the end of the program or of the time."""
        ready, _, _ = select.select([self._end], [], [], max(0.0, until - time.monotonic()))
        try:
            data = os.read(self._end, 65536) if ready else b""
        except OSError:  # Linux says so when the other end of a terminal has closed
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)
