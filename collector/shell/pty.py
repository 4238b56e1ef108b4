"""A shell in a pty: every byte that leaves it goes to the cast as it comes, every key sent is logged as it goes."""

from __future__ import annotations

import codecs
import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from collector.recording.session import Recording
from collector.shell.home import Home, bash
from collector.shell.marks import Marks
from collector.terminal.cast import CastWriter
from collector.terminal.keys import key_bytes, key_name
from manifests.secrets import MASK
from manifests.session import Action

_CHUNK = 65_536
_LINE_ENDS = ("\r", "\n", "\x03", "\x04")
"""They reveal nothing of the line that they end."""
_FULL_S = 10.0
_ENDING_S = 5.0
_LAST_CHUNKS = 64  # more than a pty holds; a program that outlives the shell may print for ever
_MAX_OUTPUT = 64 * 2**20  # characters; a command that prints without end must not fill the disk


class Shell:
    """An interactive bash on a terminal of its own, recorded into `recording`'s folder.

    `marks` follows its output. Input goes in through `press`. `close` hangs up as closing a window would.
    While the recording is paused nothing is logged. When it goes on, `replace_hidden` returns what comes into the cast
    in place of the output that was held back (nothing, where there is no `replace_hidden`); `filter_output` returns
    what is recorded of the rest. `on_output` gets all output, paused or not, in the thread that reads it.
    `theme` (fg, bg, palette) goes into the cast's header.
    """

    def __init__(self, home: Home, recording: Recording, before_exec: Callable[[], None] | None = None,
                 on_output: Callable[[str], None] | None = None, theme: dict[str, str] | None = None,
                 filter_output: Callable[[str], str] = str,
                 replace_hidden: Callable[[str], str] | None = None) -> None:  # fmt: skip
        manifest = recording.manifest
        columns, rows = manifest.columns or 80, manifest.rows or 24
        self.marks = Marks()
        self._recording = recording
        self.failure: OSError | None = None
        self.problem = "the shell ended"
        """Why it is not alive any more."""
        self._sequence = 0
        self._closing = False
        self._last_chunks = _LAST_CHUNKS
        self._on_output = on_output
        self._filter_output, self._replace_hidden = filter_output, replace_hidden
        self._last_output_ns = 0
        """When the last output came, on the session's clock."""
        self._pausing = threading.Lock()
        self._held: list[str] = []
        self._cast = CastWriter(
            recording.folder.cast, columns, rows, recording.now_ns,
            timestamp=manifest.clock.wall_unix_ns // 10**9, env={"SHELL": home.environment["SHELL"]},
            theme=theme,
        )  # fmt: skip
        self._master, slave = os.openpty()
        self._terminal = os.ttyname(slave)
        try:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            _no_flow_control(slave)

            def start() -> None:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
                for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                    signal.signal(number, signal.SIG_DFL)  # under nohup they would stay ignored
                if before_exec is not None:
                    before_exec()

            self._process = subprocess.Popen(
                home.shell or (bash(), "--noprofile", "--rcfile", str(home.rc), "-i"),
                cwd=home.path, env=home.environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                preexec_fn=start,  # noqa: PLW1509  (no thread runs yet)
            )  # fmt: skip
        except BaseException:
            os.close(self._master)
            self._cast.close()
            raise
        finally:
            os.close(slave)
        self._reader = threading.Thread(target=self._read, name="pty-reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            total = 0
            while chunk := self._next_chunk():
                self._output(decoder.decode(chunk))
                total += len(chunk)
                if total > _MAX_OUTPUT:
                    self.problem = f"more than {_MAX_OUTPUT >> 20} MiB of output"
                    return
            self._output(decoder.decode(b"", final=True))
        except OSError as error:  # the cast's disk is full
            self.failure = error
            self.problem = f"the output cannot be recorded ({error.strerror})"
        finally:
            self.marks.end()

    def _next_chunk(self) -> bytes:
        """The terminal's next output; empty at its end."""
        while True:
            closing = self._closing  # what was there by then is still taken, however late this thread comes to it
            if select.select([self._master], [], [], 0 if closing else 0.2)[0] and self._last_chunks:
                self._last_chunks -= closing
                try:
                    return os.read(self._master, _CHUNK)
                except OSError:  # Linux reports EIO once nothing holds the other end any more
                    return b""
            if closing:
                return b""

    def _output(self, text: str) -> None:
        if not text:
            return
        with self._pausing:
            if self._recording.gate.paused:
                self._held.append(text)
            elif recorded := self._filter_output(text):
                self._cast.event("o", recorded)
            self._last_output_ns = self._recording.now_ns()
        if self._on_output is not None:
            self._on_output(text)
        self.marks.feed(text)

    def hide(self, reason: str) -> None:
        """Pause the recording."""
        with self._pausing:
            self._recording.gate.pause(self._recording.now_ns(), reason)

    def show(self, reason: str) -> None:
        """Go on recording; what has come onto the screen meanwhile is recorded at once."""
        with self._pausing:
            if self._held and self._replace_hidden and (recorded := self._replace_hidden("".join(self._held))):
                self._cast.event("o", recorded)
            self._held.clear()
            self._recording.gate.resume(self._recording.now_ns(), reason)

    def quiet_ns(self) -> int:
        """For how long nothing was printed; 0 while keys wait that no program has read."""
        try:
            terminal = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # gone, with whoever might have printed something
            return self._recording.now_ns()
        try:
            waiting = fcntl.ioctl(terminal, termios.FIONREAD, b"\0" * 4)
        finally:
            os.close(terminal)
        return 0 if any(waiting) else self._recording.now_ns() - self._last_output_ns

    def busy(self) -> bool:
        """Whether output has not been read yet, or a program of this shell waits for a core or a disk.

        On a busy machine a program may have read its keys long before it has a core to answer them.
        """
        if select.select([self._master], [], [], 0)[0]:
            return True
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session = stat.read_text(encoding="latin-1").rpartition(")")[2].split()[:4]
            except (OSError, ValueError):  # it has ended meanwhile
                continue
            if state in "RD" and int(session) == self._process.pid:
                return True
        return False

    def mark(self, label: str) -> None:
        """A marker in the cast."""
        self._cast.event("m", label)

    def press(self, key: str) -> None:
        """Press one key: a character, or a name that `collector.terminal.keys` knows.

        The action's time is read before the write, so that no echo can come before its key. What is typed while a
        program reads a line unseen is a secret: it is sent, and not logged.
        Raises `OSError` when the shell is gone.
        """
        char = key_bytes(key)
        if not select.select([], [self._master], [], _FULL_S)[1]:
            self.problem = "the terminal takes no more keys: nothing reads them"
            raise OSError(errno.EIO, self.problem)
        if self._recording.gate.paused:
            os.write(self._master, char.encode())
            return
        secret = char not in _LINE_ENDS and self._reads_unseen()
        t_ns = self._cast.event("i", MASK if secret else char)
        os.write(self._master, char.encode())
        if secret:
            action = Action(seq=self._sequence, t_ns=t_ns, kind="key", redacted=True)
        else:
            name = key_name(key) if len(key) == 1 else key
            action = Action(seq=self._sequence, t_ns=t_ns, kind="key", key=name, char=char)
        self._recording.actions.write(action)
        self._sequence += 1

    def _reads_unseen(self) -> bool:
        """Whether a line is read without being shown, as passwords are (`read -s`, sudo, ssh, getpass).

        Shells and editors turn the echo off as well, but draw what is typed themselves, key by key: not in lines.
        """
        try:
            flags = termios.tcgetattr(self._master)[3]
        except termios.error:  # nothing holds the other end any more
            return False
        return bool(flags & termios.ICANON) and not flags & termios.ECHO

    @property
    def exited(self) -> bool:
        """Whether the shell has ended by itself. Its terminal closes a moment before its status is there."""
        if self.marks.ended:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING_S)
        return self._process.poll() is not None

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self.marks.ended

    def close(self) -> None:
        """Hang up, see that nothing of the shell's stays behind, and finish the cast with its exit status."""
        try:
            foreground = os.tcgetpgrp(self._master)
        except OSError:
            foreground = 0
        for number, seconds in ((signal.SIGHUP, 1.0), (signal.SIGKILL, 5.0)):
            if self._process.poll() is not None:
                break
            for group in {self._process.pid, foreground} - {0}:
                _signal(group, number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self._reader.join(0.5)
        self._closing = True
        self._reader.join()
        status = self._process.returncode if self._process.returncode is not None else -signal.SIGKILL
        self._cast.event("x", str(status if status >= 0 else 128 - status))
        self._cast.close()
        os.close(self._master)


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def _no_flow_control(slave: int) -> None:
    """Ctrl+S must not freeze a recording."""
    mode = termios.tcgetattr(slave)
    mode[0] &= ~(termios.IXON | termios.IXOFF)
    termios.tcsetattr(slave, termios.TCSANOW, mode)
