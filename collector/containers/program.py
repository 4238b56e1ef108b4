"""A program running in a container, with pipes to and from it that work with any Docker engine, near or far."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from docker.models.containers import Container

Pipe = Literal["stdout", "stderr"]
_EXIT_S = 10


def connection_of(stream: Any) -> Any:
    """The socket inside what `exec_start(socket=True)` gave: a unix socket comes wrapped, a TLS one bare."""
    return getattr(stream, "_sock", stream)


def close_stream(stream: Any) -> None:
    """Close what `exec_start(socket=True)` gave, through the response that it was taken out of.

    Closed the other way round the response finds its file closed, and Python 3.13 shows a stack trace for that.
    """
    with contextlib.suppress(OSError, ValueError):
        getattr(stream, "_response", stream).close()
    with contextlib.suppress(OSError):
        stream.close()


class Program:
    """`command` run in `container` by its user `agent`. One thread may read while another writes.

    A program that does not take input has nothing on its standard input.
    """

    def __init__(self, container: Container, command: list[str], workdir: str, takes_input: bool = True) -> None:
        self._api: Any = container.client.api  # type: ignore[union-attr]
        # The HTTP client may read the program's first output together with the answer's head and lose it: so
        # the program waits until the connection is ours, for one line.
        go = 'read -r go && exec "$@"' + ("" if takes_input else " </dev/null")
        self._id = self._api.exec_create(
            container.id, ["sh", "-c", go, "sh", *command], stdin=True, user="agent", workdir=workdir,
            environment={"PYTHONDONTWRITEBYTECODE": "1"},
        )["Id"]  # fmt: skip
        self._stream: Any = self._api.exec_start(self._id, socket=True)
        self._connection: Any = connection_of(self._stream)
        self._connection.settimeout(None)
        self.write(b"\n")

    def write(self, data: bytes) -> None:
        """Send `data` to the program; OSError when it is gone."""
        self._connection.sendall(data)

    def output(self) -> Iterator[tuple[Pipe, bytes]]:
        """What the program writes, piece by piece, until it ends or the connection is closed."""
        # Docker sends frames: one byte for the pipe, three empty ones, the length, the bytes
        while header := self._exactly(8):
            pipe: Pipe = "stderr" if header[0] == 2 else "stdout"
            left = int.from_bytes(header[4:], "big")
            while left:
                data = self._receive(min(left, 65536))
                if not data:
                    return
                left -= len(data)
                yield pipe, data

    def status(self) -> int:
        """The exit status, once the output has ended."""
        deadline = time.monotonic() + _EXIT_S
        while (status := self._api.exec_inspect(self._id)["ExitCode"]) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return -1 if status is None else int(status)

    def close(self) -> None:
        """Close the pipes; a reader in another thread comes back."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        close_stream(self._stream)

    def _exactly(self, size: int) -> bytes:
        """`size` bytes, or none at the end."""
        data = b""
        while len(data) < size:
            more = self._receive(size - len(data))
            if not more:
                return b""
            data += more
        return data

    def _receive(self, size: int) -> bytes:
        try:
            return bytes(self._connection.recv(size))
        except OSError:
            return b""  # closed here or there
