"""Writes the list of files that were not imported, with reasons; the files themselves are never touched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from collector.importers.cast.result import CastResult
from manifests.files import write_text


def update_list(out: Path, done: Iterable[CastResult]) -> Path:
    """Bring OUT/quarantine/casts.jsonl up to date: one line a file, none for files that have since been imported."""
    path = out / "quarantine" / "casts.jsonl"
    listed: dict[str, str] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
                listed[str(record["path"])] = str(record["reason"])
            except (ValueError, KeyError, TypeError):
                continue
    before = dict(listed)
    for result in done:
        where = str(result.cast.resolve())
        listed.pop(where, None)
        if result.state == "quarantined":
            listed[where] = result.reason
    if listed != before:
        records = (json.dumps({"path": where, "reason": reason}) + "\n" for where, reason in listed.items())
        write_text(path, "".join(records))
    return path
