"""The detector: takes a text and returns the spans of it that are sensitive. It calls the module of each kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.secrets import commands, labelled, tokens
from manifests.secrets.addresses import addresses
from manifests.secrets.cards import accounts, cards
from manifests.secrets.personal_numbers import national_ids, phones
from manifests.secrets.private_keys import private_key
from manifests.secrets.spans import Certainty, Span

LONGEST, _OVERLAP = 16_384, 4096
"""A longer line is searched in pieces of this many characters, which overlap by this many."""
_DIGITS = re.compile(r"[0-9](?:[ ./()+A-Z-]{0,2}[0-9]){6}")
_FEW_DIGITS = re.compile(r"[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b")
_LONG = re.compile(r"(?<![A-Za-z0-9_+/=.$%-])[A-Za-z0-9_+/=.$%-]{16}")
"""Sixteen characters in a row that every token has, whatever its prefix."""
_DIGIT, _NUMBER = re.compile("[0-9]"), re.compile("[0-9]{3}")
_WORDS = (*labelled.TRIGGERS, "@", "://", "bearer", "basic", "authorization")
_FEW_WORDS = tuple(w for w in dict.fromkeys(_WORDS) if not any(other in w and other != w for other in _WORDS))


def find(text: str) -> list[Span]:
    """Everything sensitive in a text of any number of lines, in order of position. Spans may overlap."""
    found: list[Span] = []
    inside, at = False, 0
    for row in text.split("\n"):
        spans, inside = find_in_line(row, inside)
        found += [span._replace(start=span.start + at, end=span.end + at) for span in spans]
        at += len(row) + 1
    return sorted(found)


def find_in_line(text: str, in_key: bool = False) -> tuple[list[Span], bool]:
    """What is sensitive in a line, and whether a private key continues after it; `in_key`: one began before it."""
    found, after = private_key(text, in_key)
    if not may_hold(text):
        return found, after
    if len(text) <= LONGEST:
        return [*found, *_kinds(text)], after
    for begin in range(0, len(text), LONGEST - _OVERLAP):
        part = _kinds(text[begin : begin + LONGEST])
        found += [span._replace(start=span.start + begin, end=span.end + begin) for span in part]
    return found, after


def may_hold(text: str) -> bool:
    """A fast test: False means that nothing in the text is sensitive, True that `find` has to be called."""
    lower = text.lower()
    for word in _FEW_WORDS:
        if word in lower:
            return True
    if len(max(text.split(), key=len, default="")) > 15 and _LONG.search(text):
        return True
    if _DIGIT.search(text) and (
        _DIGITS.search(text)
        or _FEW_DIGITS.search(text)
        or (_NUMBER.search(text) and any(word in lower for word in labelled.CODE_TRIGGERS))
    ):
        return True
    return _takes_options(text) and any(word in lower for word in commands.TRIGGERS)


def _takes_options(text: str) -> bool:
    return " -" in text or "|" in text or "/p" in text or "net user" in text


def _kinds(text: str) -> Iterator[Span]:
    lower = text.lower()
    long = _LONG.search(text) is not None
    if long:
        yield from tokens.tokens(text, lower)
    if _DIGIT.search(text) and (long or _DIGITS.search(text) or _FEW_DIGITS.search(text)):
        yield from cards(text)
        yield from accounts(text)
        yield from national_ids(text, lower)
        yield from phones(text, lower)
    if any(word in lower for word in labelled.TRIGGERS) or "bearer" in lower or "basic" in lower or "auth" in lower:
        yield from labelled.labelled_values(text, lower)
    if any(word in lower for word in labelled.CODE_TRIGGERS) and _NUMBER.search(text):
        yield from labelled.codes(text)
    if _takes_options(text) or "pass" in lower or "login" in lower or "obscure" in lower:
        yield from commands.arguments(text, lower)
    if "://" in text:
        yield from commands.links(text)
    if "@" in text:
        yield from addresses(text)


def certain(spans: list[Span]) -> list[Span]:
    """Those spans whose text may be looked for in the rest of the recording."""
    return [span for span in spans if span.certainty is Certainty.KNOWN]
