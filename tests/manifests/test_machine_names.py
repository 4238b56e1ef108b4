"""Reasons that are passed on name files, and no folder, user or host of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests import machine_names
from manifests.machine_names import machine_names_in, without_machine_names
from manifests.secrets import OwnNames


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home" / "zz-jane42"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work")
    monkeypatch.setattr(machine_names, "names_of_this_machine", lambda: OwnNames(("zz-jane42",), ("zz-host7",)))
    return home


def test_a_sessions_files_are_named_as_seen_from_it(machine: Path) -> None:
    for session in (Path("out/s-1"), machine / "work" / "out" / "s-1", Path("../work/out/s-1")):
        reason = without_machine_names(f"{session}/frames.jsonl: line 3: bad", session)
        assert reason == "frames.jsonl: line 3: bad", session
        assert without_machine_names(f"{session}: not a session folder", session) == "s-1: not a session folder"
    assert without_machine_names("only 1 frames", Path()) == "only 1 frames"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("cannot read /srv/My-Data/jobs/x.bin (I/O error)", "cannot read x.bin (I/O error)"),
        ("[Errno 13] Permission denied: '/opt/a/b'", "[Errno 13] Permission denied: 'b'"),
        ("does not reconcile: 3 sent, 4 seen; 1/2 and and/or", "does not reconcile: 3 sent, 4 seen; 1/2 and and/or"),
        ("~/notes.txt does not exist", "~/notes.txt does not exist"),
        ("ssh zz-jane42@zz-host7: refused", "ssh …@…: refused"),
    ],
)
def test_of_other_paths_the_last_part_is_left(said: str, left: str) -> None:
    assert without_machine_names(said, Path("s")) == left


def test_home_working_folder_and_temporary_folder_go_wherever_they_stand(machine: Path) -> None:
    said = f"{machine}/a b/c.txt, {machine / 'work'}: gone, file://{machine}/x"
    assert str(machine) not in without_machine_names(said) and "zz-jane42" not in without_machine_names(said)


def test_it_is_told_where_a_document_names_this_machine(machine: Path) -> None:
    document = {"left_out": [{"reason": "fine"}, {"reason": f"{machine}/x: no"}], "p": {"where": "goal = 'zz-host7'"}}
    assert list(machine_names_in(document)) == ["left_out[1].reason", "p.where"]
