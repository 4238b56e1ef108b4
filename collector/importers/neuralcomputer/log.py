"""The CSV logs: a row each with a time, a place, two button flags and key events. Bad rows are named, never guessed."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from collector.importers.neuralcomputer.keys import KeyChange, key_events
from manifests.errors import GoaltraceError
from manifests.files import read_bytes

MAX_BYTES = 256 * 2**20
MAX_S = 7 * 86_400.0
MAX_PX = 100_000
_FLAGS = {"True": True, "False": False}
COLUMNS = ("Timestamp", "X", "Y", "Left Click", "Right Click")
KEYS = ("Key Events", "Keys")


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row as it is written."""

    seconds: float
    x: int
    y: int
    left: bool
    right: bool
    keys: list[KeyChange]

    @property
    def t_ns(self) -> int:
        return round(self.seconds * 1e9)


def read_rows(path: Path) -> list[LogRow]:
    """All rows of a log; `GoaltraceError` naming file, row and column of the first thing that is wrong."""
    try:
        text = read_bytes(path, MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise GoaltraceError(f"{path}: byte {error.start} is not UTF-8; is this a NeuralComputer log?") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[LogRow] = []
    try:
        header = reader.fieldnames or []
        keys = next((name for name in KEYS if name in header), KEYS[0])
        for name in (*COLUMNS, keys):
            if name not in header:
                raise GoaltraceError(f"{path}: row 1: column {name!r} is missing; is this a NeuralComputer log?")
        rows.extend(_row(path, reader.line_num, record, keys) for record in reader)
    except csv.Error as error:
        raise GoaltraceError(f"{path}: row {reader.line_num}: not valid CSV ({error})") from None
    if not rows:
        raise GoaltraceError(f"{path}: holds no rows; the recording was lost")
    return rows


def _row(path: Path, number: int, record: dict[str, str | None], keys: str) -> LogRow:
    try:
        name = "Timestamp"
        seconds = float(record[name] or "")
        if not (math.isfinite(seconds) and 0 <= seconds <= MAX_S):
            raise ValueError("is not a time in seconds from the start")
        name = "X"
        x = _px(record[name])
        name = "Y"
        y = _px(record[name])
        name = "Left Click"
        left = _flag(record[name])
        name = "Right Click"
        right = _flag(record[name])
        name = keys
        if record[name] is None:
            raise ValueError("is missing")
        return LogRow(seconds, x, y, left, right, key_events(record[name] or ""))
    except ValueError as error:
        problem = str(error)
        if problem.startswith(("could not convert", "invalid literal")):
            problem = "is not a number"
        value = str(record[name])
        shown = repr(value if len(value) <= 40 else value[:40] + "…")
        raise GoaltraceError(
            f"{path}: row {number}, column {name!r}: {shown} {problem}; correct or remove it"
        ) from None


def _px(value: str | None) -> int:
    px = int(value or "")
    if abs(px) > MAX_PX:
        raise ValueError("is not a place on a screen")
    return px


def _flag(value: str | None) -> bool:
    if value not in _FLAGS:
        raise ValueError("is not True or False")
    return _FLAGS[value]
