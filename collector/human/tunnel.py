"""Runs in the container: joins its own standard input and output to a Unix socket, until either end closes.

So a page on the host reaches the screen's VNC server through `docker exec`, and the container needs no network.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

_CHUNK = 65536


def main(path: str) -> int:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        threading.Thread(target=_forward_input, args=(server,), daemon=True).start()
        while data := server.recv(_CHUNK):
            while data:
                data = data[os.write(1, data) :]
    return 0


def _forward_input(server: socket.socket) -> None:
    """From standard input to the socket; its end ends the socket, and with it the program."""
    try:
        while data := os.read(0, _CHUNK):
            server.sendall(data)
        server.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the server went first


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
