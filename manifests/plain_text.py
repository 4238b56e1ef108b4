"""Escaping control characters in everything that is printed, so that untrusted text cannot drive the terminal.

Names, goals and reasons come from files of anybody, and any of them may be printed. So escaping is not left to each
print: the command line wraps standard output and standard error in `plain_output`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_UNSEEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
"""DEL and C1, bidirectional controls, line separators of other kinds, lone surrogates."""
_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f{_UNSEEN}]")
_ANY_CONTROL = re.compile(f"[\x00-\x1f{_UNSEEN}]")
_BAR_MOVES = re.compile(r"\n*(?:\x1b\[A)*")
"""How tqdm moves from bar to bar; such a write holds nothing else."""


def plain(text: str) -> str:
    """The text with every control character but tab and line feed written out, as JSON writes it."""
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_written_out, text)


def one_line(text: str) -> str:
    """The text on one line: line feeds and tabs become spaces, other control characters are written out."""
    if text.isascii() and text.isprintable():
        return text
    return _ANY_CONTROL.sub(_written_out, text.replace("\n", " ").replace("\t", " "))


def _written_out(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"  # so that printed JSON still parses to the original text


class PlainStream:
    """Wraps a text stream: escapes control characters in what is written, and delegates everything else."""

    def __init__(self, stream: TextIO, bars: bool) -> None:
        """`bars`: progress bars are drawn here, which begin with a carriage return."""
        self._stream, self._bars = stream, bars

    def write(self, text: str) -> int:
        begin = ""
        if self._bars:
            if _BAR_MOVES.fullmatch(text):
                return self._stream.write(text)
            begin = "\r" if text.startswith("\r") else ""
        safe = begin + plain(text[len(begin) :])
        try:
            self._stream.write(safe)
        except UnicodeEncodeError:  # a terminal that is not UTF-8
            encoding = self._stream.encoding or "ascii"
            self._stream.write(safe.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def plain_output() -> Iterator[None]:
    """Inside, standard output and standard error escape control characters."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, PlainStream(sys.stdout, bars=False))
    sys.stderr = cast(TextIO, PlainStream(sys.stderr, bars=True))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
