"""asciicast files: written event by event while a session runs, and read back without trust.

Format: https://docs.asciinema.org/manual/asciicast/v3 (v2 and v1 are read too). A cast's times are the session's
clock: the first event's interval counts from the session's start.
"""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from collector.terminal.work_limit import WorkMeter
from manifests.errors import GoaltraceError

MAX_LINE_BYTES = 16 * 2**20
MAX_V1_BYTES = 64 * 2**20
MAX_COLUMNS, MAX_ROWS = 500, 200
MAX_NS = 7 * 24 * 3600 * 10**9
_SHORT = 2**18
_SHORT_BYTES = 2**15
_MAX_SECONDS = 10**12
"""Far past every limit."""
_decoder = json.JSONDecoder()
_decoded, _decoded_first = _decoder.decode, _decoder.raw_decode
_tuple = tuple.__new__  # makes a named tuple in a fraction of the time of its own constructor


class CastEvent(NamedTuple):
    """One event: "o" output, "i" input, "r" resize ("80x24"), "m" marker, "x" exit status."""

    t_ns: int
    code: str
    data: str


class CastWriter:
    """Appends events to a new asciicast v3 file and flushes each, so that kill -9 leaves a readable cast.

    Times are rounded *up* to a microsecond: an output is never logged before it happened, so no frame can show
    the effect of a key that the action log (in ns) places later.
    """

    def __init__(self, path: Path, columns: int, rows: int, now_ns: Callable[[], int], *,
                 timestamp: int, env: dict[str, str], term: str = "xterm-256color",
                 theme: dict[str, str] | None = None) -> None:  # fmt: skip
        self._out = path.open("x", encoding="utf-8", newline="\n")
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._last_us = 0
        terminal = {"cols": columns, "rows": rows, "type": term, **({"theme": theme} if theme else {})}
        self._line({"version": 3, "term": terminal, "timestamp": timestamp, "env": env})

    def event(self, code: str, data: str) -> int:
        """Log an event as of now; returns its time on the session's clock, ns."""
        with self._lock:
            t_ns = self._now_ns()
            t_us = max(self._last_us, -(-t_ns // 1000))
            interval, self._last_us = t_us - self._last_us, t_us
            if not self._out.closed:
                self._out.write(_event_line(interval, code, data))
                self._out.flush()
            return t_ns

    def close(self) -> None:
        with self._lock:
            self._out.close()

    def _line(self, value: object) -> None:
        self._out.write(json.dumps(value) + "\n")
        self._out.flush()


@dataclass(frozen=True)
class Cast:
    """A cast's header, and a way to its events."""

    path: Path
    version: int
    columns: int
    rows: int
    header: dict[str, Any] = field(default_factory=dict)
    """The header as it stands in the file, less the events of a v1 cast."""
    _whole: bytes | None = field(default=None, repr=False, compare=False)
    """The file, if it was short when it was opened."""
    _short: list[CastEvent] = field(default_factory=list, repr=False, compare=False)

    def events(self) -> Iterator[CastEvent]:
        """Every event in order, one line in memory at a time; `GoaltraceError` names file and line of a bad one.

        A short cast is read from its file once, and then kept.
        """
        return iter(self._short) if self._short else self._keeping()

    def _keeping(self) -> Iterator[CastEvent]:
        kept, size = list[CastEvent](), 0
        for event in self._read():
            if size <= _SHORT:
                kept.append(event)
                size += 100 + len(event.data)
            yield event
        if size <= _SHORT:
            self._short[:] = kept

    def _read(self) -> Iterator[CastEvent]:
        meter = WorkMeter(str(self.path), self.columns, self.rows)
        if self.version == 1:
            for written in _v1_events(self.path):
                meter.output(written.data, len(written.data))
                yield written
            return
        t_us = 0
        with self.path.open("rb") if self._whole is None else io.BytesIO(self._whole) as source:
            for number, line in _lines(self.path, source) if self._whole is None else enumerate(source, 1):
                event = _usual_event(line) if number > 1 else None
                if event is None:
                    if number == 1 or line.startswith(b"#") or not line.strip():
                        continue
                    value = _json(self.path, number, line)
                    if value is None:
                        return
                    event = _event(self.path, number, value)
                seconds, code, data = event
                moment = round(seconds * 10**6)
                t_us = t_us + moment if self.version == 3 else max(t_us, moment)
                if t_us * 1000 > MAX_NS:
                    raise _bad(self.path, number, "the time is past 7 days; cut the recording")
                if code == "o":
                    meter.output(data, len(line))
                elif code == "r":
                    meter.resize(*parse_size(data, f"{self.path}: line {number}"))
                yield _tuple(CastEvent, (t_us * 1000, code, data))


def open_cast(path: Path) -> Cast:
    """Read a cast's header; `GoaltraceError` when it is missing, no cast, of an unknown version or an absurd size."""
    try:
        with open(path, "rb", _SHORT_BYTES) as lines:
            begin = lines.read(_SHORT_BYTES)
            whole = begin if len(begin) < _SHORT_BYTES else None
            if whole is None:
                lines.seek(0)
                first = lines.readline(MAX_LINE_BYTES)
            else:
                first = whole[: whole.find(b"\n") + 1] or whole
    except OSError as error:
        raise GoaltraceError(f"{path}: cannot be read ({error.strerror}); give an asciicast file") from None
    try:
        header = _value(first)
    except (ValueError, RecursionError):
        header = _v1_document(path, first)
    if not isinstance(header, dict):
        raise _bad(path, 1, "not an asciicast header; give a file that asciinema or goaltrace recorded")
    version = header.get("version")
    if version not in (1, 2, 3):
        raise _bad(path, 1, f"version {version!r} is not one of 1, 2, 3; convert it with: asciinema convert")
    term = header.get("term") if version == 3 else {"cols": header.get("width"), "rows": header.get("height")}
    if not isinstance(term, dict):
        raise _bad(path, 1, "term is missing; restore the header")
    columns, rows = _checked_size(term.get("cols"), term.get("rows"), f"{path}: line 1")
    return Cast(path, version, columns, rows, {key: value for key, value in header.items() if key != "stdout"}, whole)


def write_cast(path: Path, header: dict[str, Any], events: Iterable[CastEvent]) -> None:
    """Write a whole cast, streaming; the header's version (2 or 3) says how times are written."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(json.dumps(header) + "\n")
        last_us = 0
        for event in events:
            t_us = -(-event.t_ns // 1000)
            out.write(_event_line(t_us - last_us if header["version"] == 3 else t_us, event.code, event.data))
            last_us = t_us


def v2_header(header: dict[str, Any]) -> dict[str, Any]:
    """The header of a v3 cast as version 2 has it."""
    term = header["term"]
    made = {"version": 2, "width": term["cols"], "height": term["rows"]}
    made.update((key, value) for key, value in header.items() if key not in ("version", "term"))
    if "type" in term:
        made["env"] = {"TERM": term["type"], **made.get("env", {})}
    if "theme" in term:
        made["theme"] = term["theme"]
    return made


def _event_line(microseconds: int, code: str, data: str) -> str:
    return f'[{microseconds // 10**6}.{microseconds % 10**6:06d}, "{code}", {json.dumps(data)}]\n'


def parse_size(text: str, where: str) -> tuple[int, int]:
    """The columns and rows of a resize event, "80x24"."""
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and len(text) < 12):
        raise GoaltraceError(f"{where}: a resize reads COLSxROWS, not {text[:20]!r}; correct the line")
    return _checked_size(int(columns), int(rows), where)


def _checked_size(columns: Any, rows: Any, where: str) -> tuple[int, int]:
    whole = type(columns) is int and type(rows) is int
    if not whole or not (1 <= columns <= MAX_COLUMNS and 1 <= rows <= MAX_ROWS):
        size = f"{columns!r:.12}x{rows!r:.12}"
        raise GoaltraceError(f"{where}: a size of {size} is not within 1x1 and {MAX_COLUMNS}x{MAX_ROWS}; correct it")
    return columns, rows


def _lines(path: Path, source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := source.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES:
            raise _bad(path, number, f"longer than {MAX_LINE_BYTES:,} bytes; split the event")
        yield number, line


def _usual_event(line: bytes) -> tuple[float, str, str] | None:
    """What `_event` makes of a line, in half the time; None unless it is written as recorders write it."""
    try:
        text = line.decode()
        (seconds, code, data), end = _decoded_first(text)
    except (ValueError, TypeError, RecursionError):
        return None
    usual = type(seconds) in (float, int) and 0 <= seconds < _MAX_SECONDS and type(code) is type(data) is str
    return (float(seconds), code, data) if usual and text[end:] in ("\n", "") else None


def _value(line: bytes) -> Any:
    """What json.loads makes of it, which guesses the encoding first and so takes several times as long."""
    try:
        return _decoded(line.decode())
    except ValueError:
        return json.loads(line)


def _json(path: Path, number: int, line: bytes) -> Any:
    """The line's value, or None for a last line cut short by a killed recorder."""
    try:
        return _value(line)
    except (ValueError, RecursionError) as error:
        if not line.endswith(b"\n"):
            return None
        reason = error.args[0] if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise _bad(path, number, f"not valid JSON ({reason}); correct or delete the line") from None


def _event(path: Path, number: int, value: Any) -> tuple[float, str, str]:
    match value:
        case [(int() | float()) as time, str() as code, data] if 0 <= time < math.inf and type(time) is not bool:
            # asciinema writes the exit status as a string; others write a number.
            # an integer of 400 digits has no float
            return float(min(time, _MAX_SECONDS)), code, data if isinstance(data, str) else str(data)
    raise _bad(path, number, "an event is [seconds >= 0, code, data]; correct or delete the line")


def _v1_document(path: Path, first: bytes) -> Any:
    """A v1 cast may be spread over many lines; anything else with a broken first line is an error in line 1."""
    if path.stat().st_size <= MAX_V1_BYTES:
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and document.get("version") == 1:
            return document
    reason = "empty file" if not first.strip() else "not valid JSON"
    raise _bad(path, 1, f"{reason}; give a file that asciinema or goaltrace recorded")


def _v1_events(path: Path) -> Iterator[CastEvent]:
    if path.stat().st_size > MAX_V1_BYTES:
        raise GoaltraceError(f"{path}: more than {MAX_V1_BYTES:,} bytes; convert it with: asciinema convert")
    frames = json.loads(path.read_bytes()).get("stdout")
    if not isinstance(frames, list):
        raise GoaltraceError(f"{path}: stdout is not a list; restore the file")
    t_us = 0
    for number, frame in enumerate(frames, start=1):
        if not isinstance(frame, list) or len(frame) != 2:
            raise GoaltraceError(f"{path}: stdout entry {number}: not [delay, data]; correct or delete it")
        seconds, _, data = _event(path, number, [frame[0], "o", frame[1]])
        t_us += round(seconds * 10**6)
        if t_us * 1000 > MAX_NS:
            raise GoaltraceError(f"{path}: stdout entry {number}: the time is past 7 days; cut the recording")
        yield CastEvent(t_us * 1000, "o", data)


def _bad(path: Path, number: int, problem: str) -> GoaltraceError:
    return GoaltraceError(f"{path}: line {number}: {problem}")
