"""A tape's patterns. VHS's are Go's regular expressions; Python's are close, but can take for ever on hostile ones."""

from __future__ import annotations

import re
import signal
import warnings
from types import FrameType
from typing import NoReturn

MAX_PATTERN = 500
LIMIT_S = 0.2
_CLASSES = {
    "[:alpha:]": "a-zA-Z", "[:digit:]": "0-9", "[:alnum:]": "a-zA-Z0-9", "[:upper:]": "A-Z", "[:lower:]": "a-z",
    "[:space:]": r"\s", "[:punct:]": r"!-/:-@\[-`{-~", "[:xdigit:]": "0-9A-Fa-f", "[:word:]": r"\w",
}  # fmt: skip
_NOT_GO = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?<?[=!]|\\[1-9]|\(\?P=|\(\?[#(>])")


_ESCAPE = re.compile(r"\\(?:x\{([0-9A-Fa-f]{1,6})\}|.)")


class TooSlow(Exception):
    """A pattern that was not done in time."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A Go pattern as Python reads it; `ValueError` says why it is none."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"is longer than {MAX_PATTERN} characters")
    if _NOT_GO.search(pattern):
        raise ValueError("looks around or refers back, which VHS's patterns cannot")
    text = _ESCAPE.sub(_escape, pattern)
    for name, members in _CLASSES.items():
        text = text.replace(name, members)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"is not a regular expression ({error})") from None


def _escape(found: re.Match[str]) -> str:
    r"""Go's \x{2F} and \z, which Python has not."""
    if found[1]:
        return f"\\U{int(found[1], 16):08x}"
    return r"\Z" if found[0] == r"\z" else found[0]


def search(pattern: re.Pattern[str], text: str) -> bool:
    """Whether `text` has a match; `TooSlow` when that is not known after `LIMIT_S` of this process's own time.

    A machine that is busy with other things is not the pattern's fault. Only in the main thread: the engine holds the
    interpreter, and only a signal gets through to it.
    """

    def over(number: int, frame: FrameType | None) -> NoReturn:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        return pattern.search(text) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
