"""What a detector says: which characters of a text, what they are, and how certain that is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

MASK, WIDE_MASK = "•", "＊"
"""What stands for a masked character of one cell, and of two."""


class Certainty(IntEnum):
    """How a value was told. Only what is `KNOWN` may be looked for in the rest of a recording."""

    ASSUMED = 1
    """It stands where a secret would, and looks like one."""
    NAMED = 2
    """A name stands beside it, or a command takes it: `password = …`, `curl -u me:…`."""
    KNOWN = 3
    """Its own form tells it: a prefix, a check digit; or it was typed at a prompt that hides what is typed."""


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
