"""An importer is a module and an entry: what it makes is a session like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from collector.commands.import_ import IMPORTERS
from manifests.clip_io import ClipReader
from tests.extending.checkout import Checkout

LOG = [
    (0.2, "shown", "$ "), (1.0, "key", "l"), (1.1, "shown", "l"), (2.0, "key", "s"), (2.1, "shown", "s"),
    (3.0, "key", "\r"), (3.1, "shown", "\r\nnote.txt\r\n$ "), (7.0, "shown", "\x1b[0m"),
]  # fmt: skip


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_importer_has_what_is_asked_of_one(name: str) -> None:
    module = IMPORTERS[name].load()
    assert callable(module.configure) and callable(module.run)


@pytest.mark.needs("ffmpeg")
def test_the_importer_of_the_page_makes_sessions_that_pack(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "An importer")
    assert (len(project.files), len(project.entries)) == (1, 1)
    log, bad = tmp_path / "looking.log", tmp_path / "bad.log"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in LOG))
    bad.write_text("[0.1, 'key'\n")
    said = project.goaltrace("import", "keylog", log, bad, "--out", tmp_path / "sessions", status=1)
    assert said == f"imported {tmp_path / 'sessions' / 'looking'}\n"
    assert [path.name for path in (tmp_path / "sessions").iterdir()] == ["looking"]
    project.goaltrace("sessions", "check", tmp_path / "sessions")
    project.goaltrace("pack", tmp_path / "sessions", "--out", tmp_path / "set")
    (row,) = ClipReader(tmp_path / "set").index().to_pylist()
    assert (row["arm"], row["environment"], row["clock_source"]) == ("keylog", "import", "nominal")
    assert [action["key"] for action in row["actions"]] == ["l", "s", "\r"] and "note.txt" in row["screen_text"][-1]
