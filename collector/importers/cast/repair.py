"""Reads a cast that anybody may have written: mends what was clearly meant, counts it, and refuses the rest."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from collector.importers.cast.header import clean_header, whole
from collector.importers.cast.source import Unusable, lines, opened
from collector.importers.cast.split_characters import SplitCharacters
from collector.importers.cast.times import Times
from collector.terminal.cast import MAX_COLUMNS, MAX_LINE_BYTES, MAX_ROWS, MAX_V1_BYTES, CastEvent
from collector.terminal.work_limit import WorkMeter

_JSON = json.JSONDecoder(strict=False)  # a bare control character in a string is meant as itself
_AROUND = 20
"""Bytes of an event's line beside its data."""
_BOM = b"\xef\xbb\xbf"


@dataclass
class RepairedCast:
    """One cast, read once; `repairs` and `times` are full when `events` has ended."""

    path: Path
    idle_limit: float | None
    """Seconds between events at most; None: the header's own limit."""
    header: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    repairs: Counter[str] = field(default_factory=Counter)
    times: Times = field(default_factory=lambda: Times(None, relative=True))
    codes: Counter[str] = field(default_factory=Counter)
    split_characters: SplitCharacters = field(default_factory=SplitCharacters)
    end_ns: int = 0

    def events(self) -> Iterator[CastEvent]:
        """The header is read before the first event comes. Raises `Unusable` where the meaning is not clear."""
        meter: WorkMeter | None = None
        with opened(self.path) as source:
            for number, value in self._values(lines(source, MAX_LINE_BYTES, MAX_V1_BYTES)):
                event = self._event(number, value)
                if event is not None:
                    meter = meter or WorkMeter(number, self.header["term"]["cols"], self.header["term"]["rows"])
                    self._measure(meter, event)
                    self.codes[event.code] += 1
                    self.end_ns = event.t_ns
                    yield event
            for code, data in self.split_characters.rest():
                yield CastEvent(self.end_ns, code, data)
        self.repairs += self.split_characters.mended
        if not self.codes:
            raise Unusable("holds no events")

    @staticmethod
    def _measure(meter: WorkMeter, event: CastEvent) -> None:
        """Before anything is drawn: what was mended is still as a stranger meant it."""
        if event.code == "o":
            meter.output(event.data, len(event.data) + _AROUND)
        elif event.code == "r":
            columns, _, rows = event.data.partition("x")
            meter.resize(int(columns), int(rows))

    def _values(self, source: Iterator[bytes]) -> Iterator[tuple[str, Any]]:
        """What should be events, each with where it stands."""
        number, first = 0, b""
        for first in source:
            number += 1
            if number == 1 and first.startswith(_BOM):
                first = first[len(_BOM) :]
                self.repairs["byte order mark left out"] += 1
            if first.strip():
                break
        header = self._header(first)
        if header is None:
            yield from self._v1(self._document(first, source))
            return
        if header.get("version") == 1:
            yield from self._v1(header)
            return
        self._begin(header)
        line = next(source, b"")
        while line:
            number += 1
            following = next(source, b"")
            if line.strip() and not line.startswith(b"#"):
                for value in self._line(f"line {number}", line, last=not following):
                    yield f"line {number}", value
            line = following

    def _header(self, first: bytes) -> dict[str, Any] | None:
        """The header, or None where the first line alone is no JSON."""
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Unusable("line 1: UTF-16 text; save it as UTF-8")
        try:
            value = _JSON.decode(self._text(first).strip().rstrip(","))
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            raise Unusable("line 1: not an asciicast header")
        if type(value.get("version")) is not int or value["version"] not in (1, 2, 3):
            raise Unusable(f"line 1: version {value.get('version')!r:.20} is not one of 1, 2, 3")
        return value

    def _begin(self, header: dict[str, Any]) -> None:
        self.version = header["version"]
        self.header, own, unknown = clean_header(header)
        if unknown:
            self.repairs["size of 0 x 0 taken as 80 x 24"] += 1
        self.times = Times(own if self.idle_limit is None else self.idle_limit, relative=self.version != 2)

    def _document(self, first: bytes, rest: Iterator[bytes]) -> dict[str, Any]:
        """A v1 cast is one document, over any number of lines."""
        size, parts = 0, []
        if first.lstrip().startswith(b"{"):
            for line in chain([first], rest):
                size += len(line)
                if size > MAX_V1_BYTES:
                    raise Unusable(f"one document of more than {MAX_V1_BYTES >> 20} MiB; convert it to version 2 first")
                parts.append(line)
        try:
            value = _JSON.decode(self._text(b"".join(parts)))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or type(value.get("version")) is not int or value["version"] != 1:
            raise Unusable("line 1: not an asciicast header")
        return value

    def _v1(self, document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        self._begin(document)
        frames = document.get("stdout")
        if not isinstance(frames, list):
            raise Unusable("stdout is not a list; restore the file")
        for number, frame in enumerate(frames, start=1):
            where = f"stdout entry {number}"
            if not isinstance(frame, list) or len(frame) != 2:
                raise Unusable(f"{where}: not [delay, data]")
            yield where, [frame[0], "o", frame[1]]

    def _line(self, where: str, line: bytes, last: bool) -> list[Any]:
        """The values of a line: one, or more where a line break was lost; none of a last line that was cut short."""
        text, values, end = self._text(line).strip().rstrip(", \t"), [], 0
        try:
            while end < len(text):
                value, end = _JSON.raw_decode(text, end)
                values.append(value)
                while end < len(text) and text[end] in ", \t":
                    end += 1
        except (ValueError, RecursionError) as error:
            if last:
                self.repairs["last line cut short, left out"] += 1
                return values
            reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
            raise Unusable(f"{where}: not valid JSON ({reason})") from None
        if line.rstrip().endswith(b","):
            self.repairs["comma at a line's end"] += 1
        if len(values) > 1:
            self.repairs["line break that was lost"] += len(values) - 1
        return values

    def _event(self, where: str, value: Any) -> CastEvent | None:
        match value:
            case [time, str() as code, data]:
                pass
            case {"version": _}:
                raise Unusable(f"{where}: a second header; split the file there")
            case _:
                raise Unusable(f"{where}: an event is [seconds, code, data]")
        t_ns = self.times.next(_seconds(where, time), where)
        if code not in ("o", "i", "r", "m", "x"):
            self.repairs["event of an unknown code left out"] += 1
            return None
        if isinstance(data, int | float) and code in "xm":
            data = str(data)
        elif data is None and code == "m":
            data = ""
        elif data is None and code == "x":
            self.repairs["exit status that is none left out"] += 1
            return None
        if not isinstance(data, str):
            raise Unusable(f"{where}: the data of {code!r} is not text")
        clean = self.split_characters.whole(code, data)
        if code == "r":
            clean = _size(clean)
            if not clean:
                self.repairs["resize to no possible size left out"] += 1
                return None
        return CastEvent(t_ns, code, clean)

    @staticmethod
    def _text(line: bytes) -> str:
        """The text; bytes that are no UTF-8 stay what they are until it is known what comes after them."""
        return line.decode(errors="surrogateescape")


def _seconds(where: str, time: Any) -> float:
    """A time as a number; NaN where it is a number without meaning."""
    if isinstance(time, str):
        try:
            time = float(time)
        except ValueError:
            raise Unusable(f"{where}: {time[:20]!r} is no time") from None
    if type(time) is int:
        return float(max(-(10**12), min(time, 10**12)))
    if isinstance(time, float):
        return time if math.isfinite(time) else math.nan
    raise Unusable(f"{where}: an event is [seconds, code, data]")


def _size(text: str) -> str:
    columns, _, rows = text.strip().lower().partition("x")
    wide, high = whole(columns.strip()), whole(rows.strip())
    if wide is None or high is None or not (1 <= wide <= MAX_COLUMNS and 1 <= high <= MAX_ROWS):
        return ""
    return f"{wide}x{high}"
