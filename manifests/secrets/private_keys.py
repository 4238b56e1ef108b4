"""Detecting private keys (PEM, PuTTY), which span many lines, even where their first or last line is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from manifests.secrets.spans import Certainty, Span

PRIVATE = "PRIVATE KEY"
"""What stands in the first and in the last line of a private key."""
Find = Callable[[str, bool], tuple[list[tuple[int, int]], bool]]
_NAME = r"(?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?"
_BEGIN = re.compile(rf"-----BEGIN {_NAME}-----|PuTTY-User-Key-File-\d: \S+|Private-Lines: \d+")
_END = re.compile(rf"-----END {_NAME}-----|Private-MAC: ")
_LINE = re.compile(r"[\d\s│|~>]*?([A-Za-z0-9+/=]{1,4000})[\s│|]*")
_HEADER = re.compile(r"\s*(?:[A-Z][\w-]{2,20}: .*)?")
_BODY = re.compile(r"[\d\s│|~>]*?([A-Za-z0-9+/=]{40,4000})[\s│|]*")


def private_key(text: str, inside: bool) -> tuple[list[Span], bool]:
    """What of a line belongs to a private key, and whether the key continues after it; `inside`: it began before."""
    begin = _BEGIN.search(text) if "PRIVATE KEY" in text or "Priv" in text or "PuTTY" in text else None
    if begin is None and not inside:
        return [], False
    start = begin.end() if begin else 0
    end = _END.search(text, start)
    stop = end.start() if end else len(text)
    if begin is None and end is None:
        line = _LINE.fullmatch(text)
        if line is None:
            return [], _HEADER.fullmatch(text) is not None
        return [_span(*line.span(1))], True
    return [_span(start, stop)] if text[start:stop].strip() else [], end is None


def key_rows(rows: Sequence[str], find: Find) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield the number of each row of a screen that holds something sensitive, with the [start, end) in it.

    A key is followed from row to row. Of a key whose first line has scrolled away, the rows before its last line count
    as well. `find` takes a row and whether a key continues in it; it returns the spans in the row and whether the key
    continues after it.
    """
    inside = False
    first_end = next((y for y, row in enumerate(rows) if PRIVATE in row and _END.search(row)), -1)
    for y, row in enumerate(rows):
        found, inside = find(row, inside) if row else ([], inside)
        if not found and not inside and y < first_end and (body := _BODY.fullmatch(row)) is not None:
            found = [body.span(1)]
        if found:
            yield y, found


def _span(start: int, stop: int) -> Span:
    return Span(start, stop, "private key", Certainty.KNOWN if stop - start >= 16 else Certainty.ASSUMED)
