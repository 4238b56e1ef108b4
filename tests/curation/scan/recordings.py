"""Data sets for the scan: real casts, imported without masking, drawn and packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.packing.pack import pack
from collector.terminal.cast import CastEvent, write_cast
from manifests.session import SessionFolder

Events = Sequence[tuple[str, str]]


def recorded(
    folder: Path,
    sessions: Mapping[str, Events],
    columns: int = 100,
    rows: int = 20,
    fps: float = 10.0,
    step_s: float = 0.1,
) -> Path:
    """A data set with a session of each list of events, which come `step_s` apart."""
    folders = []
    for name, events in sessions.items():
        path = folder / f"{name}.cast"
        path.parent.mkdir(parents=True, exist_ok=True)
        timed = [CastEvent(int(n * step_s * 1e9), code, data) for n, (code, data) in enumerate(events)]
        write_cast(path, {"version": 3, "term": {"cols": columns, "rows": rows}}, timed)
        entry = import_cast(path, folder / "sessions", ImportOptions(sensitive="keep", fps=fps))
        assert entry.state == "imported", entry
        folders.append(SessionFolder(entry.session))
    pack(folders, out=folder / "clips")
    return folder / "clips"


def typed(text: str) -> Events:
    """Keys, each echoed."""
    return [event for key in text for event in (("i", key), ("o", key))]
