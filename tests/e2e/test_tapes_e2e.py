"""All shared tapes run in containers of their own, without network, and nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.sessions.check import check_session
from collector.terminal.cast import open_cast
from manifests.clip_io import ClipReader
from manifests.session import SessionFolder

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "terminal", "ffmpeg", "shared")]

SAID = {
    "demo_000000": "false", "demo_000008": "SHELL=/", "demo_000096": "Linux", "demo_000192": "/agent\r\n",
}  # fmt: skip
"""What some of the tapes make the terminal say."""


def goaltrace(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "goaltrace", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


def containers() -> set[str]:
    """The episodes of tapes for which there is a container."""
    command = ["docker", "ps", "-a", "--format", '{{.Label "goaltrace.episode"}}']
    episodes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {episode for episode in episodes if episode.startswith("tape-demo-")}


def said(session: SessionFolder) -> str:
    return "".join(event.data for event in open_cast(session.cast).events() if event.code == "o")


def test_all_shared_tapes_run_in_containers(tmp_path: Path, shared_data: Path) -> None:
    out = tmp_path / "sessions"
    done = goaltrace("import", "tape", shared_data / "tapes", "--out", out, "--workers", 2, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    rows = json.loads(done.stdout)["tapes"]
    assert len(rows) == 25 and {row["state"] for row in rows} == {"recorded"}
    for row in rows:
        session = SessionFolder(Path(row["session"]))
        manifest = session.read_manifest()
        assert (manifest.arm, manifest.family, manifest.environment) == ("tape", "tape", "docker")
        assert (manifest.columns, manifest.rows, manifest.outcome) == (60, 12, "unverified")
        assert check_session(session) == []
        typed = "".join(action.char or "" for action in session.actions())
        lines = [
            line.split('"')[1]
            for line in Path(row["tape"]).read_text(encoding="utf-8").splitlines()
            if line.startswith("Type ")
        ]
        assert typed == "".join(line + "\r" for line in lines)
        assert [event.kind for event in session.events()] == ["pause"], "each of these tapes ends with Hide"
        assert manifest.frames > 15
        assert SAID.get(Path(row["tape"]).stem, "") in said(session)
    assert containers() == set()

    again = goaltrace("import", "tape", shared_data / "tapes", "--out", out, "--json")
    assert again.returncode == 0, again.stderr
    assert {row["state"] for row in json.loads(again.stdout)["tapes"]} == {"there already"}


def test_wait_screenshot_and_require_work_in_a_container(tmp_path: Path) -> None:
    tapes, out = tmp_path / "tapes", tmp_path / "sessions"
    tapes.mkdir()
    (tapes / "good.tape").write_text(
        "Require git\nSet TypingSpeed 10ms\nHide\nType 'git init -q .; clear'\nEnter\nWait\nShow\n"
        "Type 'git status --short --branch'\nEnter\nWait+Screen@9s /No commits yet/\nScreenshot '/etc/shot.png'\n"
        "Type 'ls /sys/class/net'\nEnter\nWait+Screen /(?m)^lo/\nSleep 300ms"
    )
    (tapes / "missing.tape").write_text("Require no-such-program\nEnter")
    (tapes / "fish.tape").write_text("Set Shell fish\nEnv PATH '/nothing'\nEnter")
    done = goaltrace("import", "tape", tapes, "--out", out, "--json")
    assert done.returncode == 1
    rows = {Path(row["tape"]).stem: row for row in json.loads(done.stdout)["tapes"]}
    assert rows["good"]["state"] == "recorded", rows
    assert "missing.tape:1:1: Require no-such-program: not found" in rows["missing"]["reason"]
    assert "Set Shell fish: not found" in rows["fish"]["reason"]
    session = SessionFolder(Path(rows["good"]["session"]))
    assert (session.path / "screenshot-shot.png").is_file()
    assert "eth0" not in said(session), "a tape has no network"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_image_has_the_shell_and_it_asks_no_questions(tmp_path: Path, shell: str) -> None:
    """Of a tape in that shell, and of one that starts the shell in bash: each in a fresh home, as an ordinary user."""
    tapes, out = tmp_path / "tapes", tmp_path / "sessions"
    tapes.mkdir()
    told = {
        "outer": f"Set Shell {shell}\nWait\nType 'false'\nEnter\nWait\nType 'printf abc'\nEnter\nSleep 500ms\n"
        "Type 'echo lost'\nCtrl+C\nSleep 300ms\nType 'echo $SHELL'\nEnter\nWait+Screen /(?m)^\\x{2F}usr/\nWait\n"
        "Type 'exit'\nEnter\nSleep 1s",
        "inner": f"Wait\nType '{shell}'\nEnter\nWait@9s /[%>] ?$/\nSleep 1s\nType 'echo insi\"de\"'\nEnter\n"
        "Wait+Screen /(?m)^inside/\nCtrl+D\nWait",
    }
    for name, text in told.items():
        (tapes / f"{name}.tape").write_text(f"Set TypingSpeed 10ms\n{text}")
    done = goaltrace("import", "tape", tapes, "--out", out, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    sessions = {Path(row["tape"]).stem: SessionFolder(Path(row["session"])) for row in json.loads(done.stdout)["tapes"]}
    packed = goaltrace("pack", sessions["outer"].path, "--out", tmp_path / "set", "--clip-seconds", 2)
    assert packed.returncode == 0, packed.stderr
    captions = " ".join(clip["caption"] for clip in ClipReader(tmp_path / "set").iter_clips())
    assert "`false` is typed and run, prints nothing and fails with status 1." in captions
    assert "`printf abc` is typed and run, prints “abc” and succeeds." in captions
    assert "`echo lost` is typed, and given up." in captions
    assert f"`echo $SHELL` is typed and run, prints “/usr/bin/{shell}” and succeeds." in captions
    assert "newuser" not in said(sessions["inner"]) and check_session(sessions["inner"]) == []
