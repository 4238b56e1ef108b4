"""Exports a terminal session as an asciicast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collector.terminal.cast import CastEvent, open_cast, v2_header, write_cast
from collector.terminal.themes import theme_of_header
from manifests.errors import GoaltraceError
from manifests.files import replacing, require_absent
from manifests.session import SessionFolder

SESSION = "GOALTRACE_SESSION"
"""The variable in a header's env that says which session a cast was made of: players show nothing of it."""


def export_cast(folder: SessionFolder, out: Path, version: int = 3) -> list[str]:
    """Write the session's cast to the new file `out`; notes on what was written and what was left out.

    Raises `GoaltraceError` for a session without a cast, a cast that is broken, and an `out` that exists.
    """
    manifest = folder.read_manifest()
    if not folder.cast.is_file():
        what = "a desktop session has none" if manifest.kind == "desktop" else "restore it"
        raise GoaltraceError(f"{folder.cast}: missing; {what}")
    require_absent(out)
    cast = open_cast(folder.cast)
    header = cast.header
    if manifest.goal and not header.get("title"):
        header = {**header, "title": manifest.goal}
    header, missing = _playable(header, version)
    header = {**header, "env": {**header.get("env", {}), SESSION: manifest.session_id}}
    left_out = written = 0

    def events() -> Iterator[CastEvent]:
        nonlocal left_out, written
        for event in cast.events():
            if event.code == "x" and version == 2:
                left_out += 1
                continue
            written += 1
            yield event

    with replacing(out) as temporary:
        write_cast(temporary, header if version == 3 else v2_header(header), events())
    notes = [f"wrote {out}: asciicast v{version}, {written} events"]
    if left_out:
        notes.append("the exit status is left out: asciicast v2 has no event for it")
    return notes + missing


def _playable(header: dict[str, Any], version: int) -> tuple[dict[str, Any], list[str]]:
    """The header without what makes asciinema's own tools refuse a file, and what that was."""
    missing = []
    theme = theme_of_header(header)
    if "theme" in header.get("term", {}) and not (theme and theme.palette):
        term = {key: value for key, value in header["term"].items() if key != "theme"}
        header = {**header, "term": term}
        missing.append("the theme is left out: it is not fg, bg and 8 or 16 colours, all as #rrggbb")
    if version == 2 and "tags" in header:
        header = {key: value for key, value in header.items() if key != "tags"}
        missing.append("the tags are left out: asciicast v2 has none")
    return header, missing
