"""A privacy stage is one script: selected by, reported, carried along."""

from __future__ import annotations

from pathlib import Path

import goaltrace
from manifests.dataset import DatasetFolder
from tests.extending.checkout import Checkout


def test_the_privacy_stage_of_the_page_is_selected_by_reported_and_carried(screens: Path, tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "A stage of curation")
    assert project.files == ["privacy.py"] and not project.entries
    assert "1 tables made, 0 there already, 0 damaged" in project.python("privacy.py", screens)
    assert "0 tables made, 1 there already" in project.python("privacy.py", screens)
    assert goaltrace.select(screens, "addresses = 2").clip_ids == ("scripted-1-0000",)
    kept = tmp_path / "quiet"
    project.goaltrace("select", screens, "--where", "addresses = 0", "--out", kept)
    assert [(table.name, table.columns) for table in DatasetFolder(kept).read_manifest().scores] == [
        ("privacy", ["clip_id", "addresses"])
    ]
    assert goaltrace.select(kept, "addresses = 0").clip_ids == ("scripted-0-0000",)
    (arm,) = goaltrace.report(screens, page=False).arms
    assert arm.means["addresses"].mean == 1
