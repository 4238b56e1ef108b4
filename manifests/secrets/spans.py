"""The detector's result: spans of a text, each with what it is and how certain that is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

MASK, WIDE_MASK = "•", "＊"
"""The characters that replace a masked one, of one cell's width and of two."""


class Certainty(IntEnum):
    """How certainly a value is sensitive. Only `KNOWN` values are looked for in the rest of a recording."""

    ASSUMED = 1
    """It is where a secret would be, and looks like one."""
    NAMED = 2
    """A label is beside it, or a command takes it as an argument: `password = …`, `curl -u me:…`."""
    KNOWN = 3
    """Its form identifies it (a prefix, a check digit), or it was typed at a prompt that hides what is typed."""


class Span(NamedTuple):
    """The sensitive characters [start, end) of a text."""

    start: int
    end: int
    kind: str
    certainty: Certainty = Certainty.NAMED


def covered(text: str, spans: Iterable[Span]) -> str:
    """The text with every character of `spans` masked."""
    for span in spans:
        text = text[: span.start] + MASK * (span.end - span.start) + text[span.end :]
    return text
