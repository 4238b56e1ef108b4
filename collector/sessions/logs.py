"""Reading a log that may be cut short or damaged: what is whole of it, and why it ends there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from collector.sessions.problem import Problem
from manifests.files import is_plain

M = TypeVar("M", bound=BaseModel)
MAX_LINE_BYTES = 16 * 2**20


@dataclass
class Log(Generic[M]):
    """The records of a JSON-lines file up to the first line that is none."""

    path: Path
    records: list[M] = field(default_factory=list)
    whole_bytes: int = 0
    """Length of those lines."""
    cut_short: bool = False
    """The last line has no end: the writer was killed while it wrote."""
    bad_line: int | None = None
    reason: str = ""
    lost: int = 0
    """Lines that are not in `records`."""

    @property
    def whole(self) -> bool:
        return not self.cut_short and self.bad_line is None

    @property
    def problem(self) -> Problem | None:
        name = self.path.name
        if self.bad_line is not None:
            what = f"line {self.bad_line} cannot be read: {self.reason}"
            return Problem(name, what, f"it and what follows, {self.lost} lines, cannot be used")
        if self.cut_short:
            return Problem(name, "the last line is cut short", "the recorder was killed while it wrote it")
        return None


def read_log(path: Path, model: type[M]) -> Log[M]:
    """The whole part of a log; an empty one when there is no such file. Raises `OSError` only."""
    log: Log[M] = Log(path)
    if not is_plain(path):
        return log
    for number, line in enumerate(lines_of(path), start=1):
        if log.bad_line is not None:
            log.lost += 1
        elif not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
            log.cut_short, log.lost = True, 1
        else:
            try:
                log.records.append(model.model_validate_json(line))
                log.whole_bytes += len(line)
            except ValidationError as error:
                problem = error.errors()[0]
                where = ".".join(map(str, problem["loc"])) or "line"
                log.bad_line, log.reason, log.lost = number, f"{where}: {problem['msg']}", 1
    return log


def lines_of(path: Path) -> Iterator[bytes]:
    """Lines with their ends, none longer than `MAX_LINE_BYTES`."""
    with path.open("rb") as source:
        while line := source.readline(MAX_LINE_BYTES):
            yield line
