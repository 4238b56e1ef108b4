"""What was typed, as it was meant: with corrections applied, and as it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.importers.cast.pool import Place

_KEY = re.compile(
    r"\x1b\[M[^\x1b]{3}"  # a mouse of the oldest kind: three characters follow
    r"|\x1b?\x1b\[[0-?]*[ -/]*[@-~]|\x1b?\x1bO[A-z]"
    r"|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b.?|.",
    re.DOTALL,
)
_LIMIT = 16_384
Line = tuple[str, list[Place]]


def keys(data: str) -> Iterator[tuple[int, str]]:
    """The keys in a piece of input, each with its place."""
    return ((match.start(), match[0]) for match in _KEY.finditer(data))


class Typed:
    """The line being typed. `secret` is set by whoever sees a password prompt, until the line ends."""

    def __init__(self) -> None:
        self.secret = False
        self._sent: list[tuple[str, Place]] = []
        self._line: list[tuple[str, Place]] = []
        self._cursor = 0

    @property
    def begun(self) -> bool:
        """Something of a line has been typed."""
        return bool(self._sent)

    def feed(self, number: int, data: str) -> Iterator[tuple[Line, Line, bool]]:
        """Lines that are finished: as sent, as meant, and whether they answer a password prompt."""
        for offset, key in keys(data):
            if key in "\r\n\x03\x04" or len(self._sent) >= _LIMIT:
                yield self.end()
            self._key(key, (number, offset))

    def end(self) -> tuple[Line, Line, bool]:
        sent, meant, secret = _split(self._sent), _split(self._line), self.secret
        self._sent, self._line, self._cursor, self.secret = [], [], 0, False
        return sent, meant, secret

    def _key(self, key: str, place: Place) -> None:
        if len(key) == 1 and key >= " " and key != "\x7f":
            self._sent.append((key, place))
            self._line.insert(self._cursor, (key, place))
            self._cursor += 1
        elif key in ("\x7f", "\b") and self._cursor:
            self._cursor -= 1
            del self._line[self._cursor]
        elif key == "\x15":  # ctrl+u
            del self._line[: self._cursor]
            self._cursor = 0
        elif key == "\x0b":  # ctrl+k
            del self._line[self._cursor :]
        elif key == "\x17":  # ctrl+w
            head = "".join(c for c, _ in self._line[: self._cursor]).rstrip(" ")
            start = head.rfind(" ") + 1
            del self._line[start : self._cursor]
            self._cursor = start
        elif key in ("\x1b[D", "\x1bOD", "\x02"):
            self._cursor = max(0, self._cursor - 1)
        elif key in ("\x1b[C", "\x1bOC", "\x06"):
            self._cursor = min(len(self._line), self._cursor + 1)
        elif key in ("\x1b[H", "\x1bOH", "\x1b[1~", "\x01"):
            self._cursor = 0
        elif key in ("\x1b[F", "\x1bOF", "\x1b[4~", "\x05"):
            self._cursor = len(self._line)
        elif key == "\x1b[3~":
            del self._line[self._cursor : self._cursor + 1]


def _split(line: list[tuple[str, Place]]) -> Line:
    return "".join(c for c, _ in line), [place for _, place in line]
