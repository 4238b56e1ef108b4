"""The keys in a cast's input, and the lines that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.importers.cast.key_names import is_answer, name_of
from manifests.secrets import KeyedLine, KeyPress, LineEditor

_KEY = re.compile(
    r"\x1b\[M[^\x1b]{3}"  # a mouse of the oldest kind: three characters follow
    r"|\x1b?\x1b\[[0-?]*[ -/]*[@-~]|\x1b?\x1bO[A-z]"
    r"|\x1b[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b.?|.",
    re.DOTALL,
)
_CODED = re.compile(r"\x1b\[(?:27;\d{1,3};(\d{1,7})~|(\d{1,7})(?:[:;][\d:;]*)?u)")
Place = tuple[int, int, int]
"""Number of the event, the key's place in its data, and how many characters of it the key takes."""
Entered = KeyedLine[Place]


def keys(data: str) -> Iterator[tuple[int, str]]:
    """The keys in a piece of input, each with its place."""
    return ((match.start(), match[0]) for match in _KEY.finditer(data))


class TypedLine:
    """The line being typed. `secret` is set by whoever sees a password prompt, until the line ends."""

    def __init__(self) -> None:
        self.secret = False
        self._typing: LineEditor[Place] = LineEditor()

    @property
    def begun(self) -> bool:
        """Something of a line has been typed."""
        return self._typing.begun

    def feed(self, number: int, data: str) -> Iterator[tuple[Entered, bool]]:
        """Lines that are finished, and whether they answer a password prompt."""
        for offset, key in keys(data):
            if len(key) > 1 and is_answer(key):
                continue
            name, char = (key, key) if len(key) == 1 and key >= " " and key != "\x7f" else _meant(key)
            line = self._typing.press(KeyPress(name, char, (number, offset, len(key))))
            if line is not None:
                secret, self.secret = self.secret, False
                yield line, secret

    def end(self) -> tuple[Entered, bool]:
        secret, self.secret = self.secret, False
        return self._typing.end(), secret


def _meant(key: str) -> tuple[str | None, str]:
    """A key's name, and the text that it types: keyboards with a protocol of their own send letters as numbers."""
    name, coded = name_of(key), _CODED.fullmatch(key)
    if coded is None or name is None or "+" in name[:-1]:
        return name, ""
    point = int(coded[1] or coded[2])
    return name, name if len(name) == 1 else chr(point) if 32 <= point < 0x110000 and point != 127 else ""
