"""The way back: a terminal session as an asciicast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from collector.terminal.cast import CastEvent, open_cast, v2_header, write_cast
from manifests.errors import GoaltraceError
from manifests.files import replacing, require_absent
from manifests.session import SessionFolder


def export_cast(folder: SessionFolder, out: Path, version: int = 3) -> list[str]:
    """Write the session's cast to the new file `out`; what there is to say about it.

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
    return notes
