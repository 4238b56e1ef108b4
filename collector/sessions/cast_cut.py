"""Cuts a terminal's cast down to its whole part: up to its first damaged line, or up to a time."""

from __future__ import annotations

from pathlib import Path

from collector.sessions.logs import lines_of
from collector.terminal.cast import open_cast
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder, SessionManifest


def has_cast(folder: SessionFolder, manifest: SessionManifest) -> bool:
    """True if the session's frames are drawn from a cast; what others filmed has none."""
    return manifest.kind == "terminal" and (manifest.environment != "import" or folder.cast.is_file())


def last_whole_ns(path: Path) -> int:
    """Time of the last event before the cast ends or is damaged. Raises `GoaltraceError` if not even its header is."""
    last = 0
    try:
        cast = open_cast(path)
        for event in cast.events():
            last = event.t_ns
    except GoaltraceError:
        open_cast(path)
    return last


def cut_cast(path: Path, target: Path, end_ns: int) -> None:
    """Write the lines of events up to `end_ns` to `target`; a cast of version 1, which is one document, as it is."""
    cast = open_cast(path)
    if cast.version == 1:
        target.write_bytes(path.read_bytes())
        return
    kept = 0
    try:
        for event in cast.events():
            if event.t_ns > end_ns:
                break
            kept += 1
    except GoaltraceError:
        pass
    with target.open("wb") as out:
        for number, line in enumerate(lines_of(path)):
            event_line = number > 0 and line.strip() and not line.startswith(b"#")
            if event_line:
                kept -= 1
            if kept < 0 or (not line.endswith(b"\n") and not event_line):
                break
            out.write(line if line.endswith(b"\n") else line + b"\n")
