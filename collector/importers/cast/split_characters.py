"""Puts characters together that a recorder cut in two, where the other half comes with the next event.

Recorders that read a pty in chunks cut characters of several bytes; those that keep text as UTF-16 cut pairs of
surrogates. Half a character without the other is U+FFFD.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from collector.importers.cast.header import clean_text

_BYTES = re.compile("[\udc80-\udcff]+")
_ENDS = re.compile(
    "(?:[\ud800-\udbff]|[\udcc2-\udcdf]|[\udce0-\udcef][\udc80-\udcbf]?|[\udcf0-\udcf4][\udc80-\udcbf]{0,2})\\Z"
)
"""The first part of a pair, or of the bytes of a character (as `surrogateescape` has them), at a text's end."""


class SplitCharacters:
    """Repairs the texts of one cast's events, in order; `mended` counts what was repaired."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self.mended: Counter[str] = Counter()

    def whole(self, code: str, data: str) -> str:
        """The event's text: with the half that the last event of this code ended with, without the one it ends with."""
        begun = self._waiting.pop(code, "") if self._waiting else ""
        if not begun and data.isascii():
            return data
        text = _paired(begun + data)
        if code in "oi" and (ends := _ENDS.search(text)):
            self._waiting[code], text = ends[0], text[: ends.start()]
        clean = self._clean(text)
        if begun and "\ufffd" not in clean:
            self.mended["character cut in two put together"] += 1
        return clean

    def rest(self) -> Iterator[tuple[str, str]]:
        """What still waits when the cast is over: each code and its text."""
        yield from ((code, self._clean(begun)) for code, begun in self._waiting.items())

    def _clean(self, text: str) -> str:
        if text.isascii():
            return text
        clean = _BYTES.sub(lambda run: bytes(ord(half) - 0xDC00 for half in run[0]).decode(errors="replace"), text)
        if "\ufffd" in clean and clean != text:
            self.mended["invalid UTF-8 replaced"] += 1
        whole = clean_text(clean)
        if whole != clean:
            self.mended["text with half a character replaced"] += 1
        return whole


def _paired(text: str) -> str:
    """The text with every pair of surrogates as the one character that it is."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
