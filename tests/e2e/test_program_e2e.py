"""The desktop program and task of docs/extending.md, recorded in a container as its reader would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from manifests.session import SessionFolder
from tests.extending.checkout import Checkout

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop", "ffmpeg")]


def test_the_program_and_the_task_of_the_page_are_recorded(tmp_path: Path) -> None:
    """Its package is in the image already: the panel has it."""
    project = Checkout(tmp_path / "project", "A program of the desktop, and a task for it")
    words = ("desktop-find-calculator", "--out", tmp_path / "try", "--json")
    said = json.loads(project.goaltrace("record", *words))
    assert [episode["outcome"] for episode in said["episodes"]] == ["success"], said
    manifest = SessionFolder(tmp_path / "try" / "desktop-find-calculator-scripted-0000").read_manifest()
    assert not manifest.invalid_reasons and "application finder" in manifest.versions
