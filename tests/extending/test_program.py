"""A program of the desktop is an entry: tasks, agents, versions and the image check know it from there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.extending.checkout import ROOT, Checkout

SECTION = "A program of the desktop, and a task for it"
KNOWN = """
import json
from collector.agents.desktop.names import is_program
from collector.containers.system import System
from manifests.vocabulary import program_named

here = System.of("desktop", "", "xfce4-appfinder 4.22.1-1")
print(json.dumps([
    program_named("finder"), is_program("xfce4-appfinder", "finder"), is_program("thunar", "finder"),
    here.versions, here.untried("desktop"),
]))
"""
ASKED = """
import json
from collector.images import check

check._exec_lines = lambda container, command: print(json.dumps(json.loads(command[3]))) or []
check.wait_ready = lambda container: 0.0
list(check.check_desktop(None, None))
"""


def test_the_program_of_the_page_is_known_wherever_programs_are(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", SECTION)
    assert project.files == ["manifests/tasks/desktop/desktop-find-calculator.yaml"]
    assert project.entries == ["manifests/programs.py"]
    assert json.loads(project.python("-c", KNOWN)) == [
        "finder", True, False, {"Application Finder": "4.22.1"}, ["Application Finder 4.22.1 (tried: 4.18, 4.20)"],
    ]  # fmt: skip
    assert ["Application Finder", "xfce4-appfinder", ["xfce4 appfinder"]] in json.loads(project.python("-c", ASKED))
    assert "with the application finder" in project.goaltrace("tasks", project.path / project.files[0])


def test_without_the_entry_the_task_is_refused(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", SECTION)
    shutil.copy(ROOT / project.entries[0], project.path / project.entries[0])
    assert project.goaltrace("tasks", project.path / project.files[0], status=2) == ""
