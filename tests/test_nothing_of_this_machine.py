"""No folder and no name of the machine is in anything that `publish` would send, whatever led to the data set."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifests.dataset import DatasetFolder, LeftOutItem
from manifests.session import SessionFolder
from tests.collector.session_folders import make_session
from tests.places import opened
from tests.short_task import write_short_task

pytestmark = pytest.mark.needs("ffmpeg", "bash")
HOST = "zz-laptop-of-jane7"
TAPE = "# Say hello.\nSet TypingSpeed 5ms\nType 'echo hello'\nEnter\nSleep 1500ms\n"


MADE = ("README.md", "preview.png")
"""Of what is published, the files that are not in the folder before."""


@dataclass
class Machine:
    """A user with a home, a folder that they work in, and one for temporary files; all easily told."""

    home: Path
    work: Path
    temporary: Path

    def run(self, *words: object, status: int | None = 0) -> str:
        """A command as that user runs it, on a host of that name where this one lets us name it."""
        names = {"HOME": self.home, "TMPDIR": self.temporary, "USER": self.home.name, "LOGNAME": self.home.name}
        command = [sys.executable, "-m", "goaltrace", *map(str, words)]
        if can_name_the_host():
            command = ["unshare", "-u", "sh", "-c", f'hostname {HOST} && exec "$@"', "sh", *command]
        kept = {name: value for name, value in os.environ.items() if name not in names and "SUDO" not in name}
        root = str(Path(__file__).resolve().parents[1])
        done = subprocess.run(
            command, cwd=self.work, capture_output=True, text=True,
            env=kept | {name: str(value) for name, value in names.items()} | {"PYTHONPATH": root},
        )  # fmt: skip
        assert status in (done.returncode, None), (words, done.stdout, done.stderr)
        return done.stdout

    def words(self) -> list[str]:
        """What must be nowhere."""
        host = HOST if can_name_the_host() else socket.gethostname()
        return [str(self.home), self.home.name, str(self.work), self.work.name, str(self.temporary), host]


def can_name_the_host() -> bool:
    if os.getuid() or not shutil.which("unshare") or not shutil.which("hostname"):
        return False
    return not subprocess.run(["unshare", "-u", "true"], capture_output=True).returncode


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    places = Machine(tmp_path / "zz-jane-doe7", tmp_path / "zz-jane-doe7" / "zz-payroll9", tmp_path / "zz-scratch5")
    for place in (places.home, places.work, places.temporary):
        place.mkdir()
    return places


def left_out_sessions(out: Path) -> int:
    """One session for each way in which a session can be left out; how many there are."""
    made: list[SessionFolder] = []

    def session(**changes: object) -> SessionFolder:
        made.append(make_session(out / f"s-{len(made)}", frames=20, **changes))
        return made[-1]

    session(state="recording")
    session(outcome="aborted", outcome_detail=f"FileNotFoundError: no such file: '{out.resolve()}/deeper/x.bin'")
    session(invalid_reasons=[f"key: 3 sent, 2 seen by {out.resolve()}/agent.py"])
    session(actor="human:p-12345678", consent_id="p-12345678")
    session(actor="human:p-12345678", consent_id="p-12345678").consent_path.write_text("{")
    session(width=100_000, height=100_000)
    session(actions=9)
    session(width=32)
    for name in ("session.json", "frames.jsonl", "actions.jsonl", "screen.mkv"):
        folder = session()
        (folder.path / name).write_bytes(b"not this\n")
        if name != "session.json":
            folder = session()
            (folder.path / name).unlink()
    session().events_path.symlink_to(out / "elsewhere")
    folder = session()
    os.truncate(folder.screen, folder.screen.stat().st_size // 2)
    folder = session()
    lines = folder.frames_path.read_text().splitlines()
    folder.frames_path.write_text("\n".join([*lines[:5], lines[2], *lines[6:]]) + "\n")
    folder = session()
    folder.write_manifest(folder.read_manifest().model_copy(update={"session_id": "s-0000"}))
    folder = session()
    folder.write_manifest(folder.read_manifest().model_copy(update={"session_id": "s-0000"}))
    return len(made) - 1


def test_nothing_that_is_published_names_the_machine(machine: Machine, tmp_path: Path) -> None:
    work = machine.work
    kept = left_out_sessions(work / "sessions")
    (work / "hello.tape").write_text(TAPE)
    machine.run("import", "tape", "hello.tape", "--out", work / "sessions", "--env", "local")
    machine.run("record", write_short_task(work), "--env", "local", "--out", "recorded", "--min-free", "0")
    header = {"version": 2, "width": 40, "height": 8, "title": f"{work}/run.sh", "command": f"cd {work}",
              "env": {"SHELL": "/bin/bash", "HOME": str(machine.home), "USER": machine.home.name}}  # fmt: skip
    lines = [json.dumps(header), *(json.dumps([n / 4, "o", f"line {n}\r\n"]) for n in range(40))]
    with gzip.open(work / "theirs.cast.gz", "wt") as out:
        out.write("\n".join(lines) + "\n")
    machine.run("import", "cast", "theirs.cast.gz", "--out", "imported")
    packed = machine.run(
        "pack", work / "sessions", "recorded", "../zz-payroll9/imported", "--out", "../packed", "--json"
    )
    reasons = {left["reason"] for left in json.loads(packed)["left_out"]}
    assert len(json.loads(packed)["left_out"]) == kept, packed
    assert len(reasons) > 12, "each in its own way"
    machine.run("score", "../packed", "--workers", 1)
    machine.run("report", "../packed")
    machine.run("scan", "../packed", "--workers", 1, status=None)
    machine.run("select", "../packed", "--where", "width > 0", "--out", "../selected")
    for name in ("packed", "selected"):
        dataset = machine.home / name
        plan = json.loads(machine.run("publish", f"../{name}", "team/clips", "--dry-run", "--json", "--with-findings"))
        assert len(plan["files"]) > 3 and "dataset.json" in plan["files"]
        sent = {file: opened(dataset / file) for file in plan["files"] if file not in MADE}
        for file, content in (sent | {"README.md": plan["card"].encode()}).items():
            for word in machine.words():
                found = re.search(b".{0,60}" + re.escape(word.encode()) + b".{0,60}", content, re.DOTALL)
                assert found is None, (file, word, found)


def test_a_data_set_of_an_older_release_that_names_the_machine_is_not_published(machine: Machine) -> None:
    make_session(machine.work / "sessions" / "one", frames=20)
    machine.run("pack", "sessions", "--out", "set")
    folder = DatasetFolder(machine.work / "set")
    manifest = folder.read_manifest()
    manifest.left_out = [LeftOutItem(name="two", reason=f"{machine.work}/sessions/two/frames.jsonl: missing")]
    folder.write_manifest(manifest)
    machine.run("publish", "set", "team/clips", "--dry-run", status=2)
    machine.run("select", "set", "--where", "true", "--out", "again")
    machine.run("scan", "again")
    machine.run("publish", "again", "team/clips", "--dry-run")
    (left,) = DatasetFolder(machine.work / "again").read_manifest().left_out
    assert left.reason == "sessions/two/frames.jsonl: missing", "as seen from the working folder"
