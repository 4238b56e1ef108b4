"""Recording in real containers: sessions that pack, and no container left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.containers.confined import image_of
from manifests.clip_io import ClipReader
from manifests.session import SessionFolder

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop", "terminal", "ffmpeg")]


def goaltrace(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "goaltrace", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400, **options)  # type: ignore[call-overload,no-any-return]


def containers(label: str = "goaltrace.episode") -> set[str]:
    command = ["docker", "ps", "-aq", "--filter", f"label={label}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.fixture
def stranger() -> Iterator[str]:
    """Somebody else's container, stopped: the kind that a `prune` would take."""
    name = f"stranger-{uuid.uuid4().hex[:8]}"
    subprocess.run(["docker", "create", "--name", name, image_of("terminal"), "true"], check=True, capture_output=True)
    yield name
    subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def exists(container: str) -> bool:
    return subprocess.run(["docker", "inspect", container], capture_output=True, check=False).returncode == 0


def test_both_kinds_and_arms_record_pack_and_leave_no_container(tmp_path: Path, stranger: str) -> None:
    before = containers()
    sessions = tmp_path / "sessions"
    for agent in ("scripted", "random-fast"):
        done = goaltrace(
            "record", "desktop-calculator-product", "terminal-find-largest-file",
            "--agent", agent, "--workers", 2, "--seed", 3, "--out", sessions, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        outcomes = {e["episode_id"]: e["outcome"] for e in json.loads(done.stdout)["episodes"]}
        expected = "success" if agent == "scripted" else "failure"
        assert set(outcomes.values()) == {expected}, done.stdout
    assert containers() <= before
    assert exists(stranger)
    assert all(path.stat().st_uid == os.getuid() for path in sessions.rglob("*"))

    done = goaltrace("pack", sessions, "--out", tmp_path / "set")
    assert done.returncode == 0, done.stderr
    assert "left out" not in done.stderr
    rows = ClipReader(tmp_path / "set").index().to_pylist()
    assert {(row["kind"], row["arm"], row["control"]) for row in rows} == {
        (kind, arm, arm == "random-fast") for kind in ("desktop", "terminal") for arm in ("scripted", "random-fast")
    }
    assert all(len(row["t0_ns"]) == len(row["changed"]) == len(row["cursor_x"]) for row in rows)
    assert all(any(row["actions"]) for row in rows if row["clip_index"] == 1 and row["arm"] == "random-fast")

    again = goaltrace("record", "desktop-calculator-product", "--seed", 3, "--out", sessions, "--json")
    assert json.loads(again.stdout)["episodes"][0]["reused"], "a complete episode is not recorded again"


@pytest.mark.parametrize("what", [("images", "check", "terminal"), ("record", "terminal-find-largest-file")])
def test_closing_a_containers_streams_shows_no_trace(tmp_path: Path, what: tuple[str, ...]) -> None:
    """Development mode says on every Python what Python 3.13 says always."""
    command = [sys.executable, "-X", "dev", "-m", "goaltrace", *what, "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_ctrl_c_ends_the_session_and_removes_its_container_only(tmp_path: Path, stranger: str) -> None:
    before = containers()
    command = [sys.executable, "-m", "goaltrace", "record", "desktop-web-order", "--out", str(tmp_path / "sessions")]
    recorder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    frames = tmp_path / "sessions/desktop-web-order-scripted-0000/frames.jsonl"
    _wait_until(lambda: frames.is_file() and frames.stat().st_size > 2000)
    recorder.send_signal(signal.SIGINT)
    _, errors = recorder.communicate(timeout=60)
    assert recorder.returncode == 130
    assert "Traceback" not in errors
    manifest = SessionFolder(frames.parent).read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert manifest.frames > 5
    assert containers() <= before
    assert exists(stranger)


def test_a_container_that_dies_fails_its_episode_and_not_the_run(tmp_path: Path) -> None:
    before = containers()
    out = tmp_path / "sessions"
    command = [
        sys.executable,
        "-m",
        "goaltrace",
        "record",
        "desktop-web-order",
        "terminal-find-largest-file",
        "--out",
        str(out),
        "--json",
    ]
    recorder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    frames = out / "desktop-web-order-scripted-0000/frames.jsonl"
    _wait_until(lambda: frames.is_file() and frames.stat().st_size > 2000)
    (victim,) = containers() - before
    subprocess.run(["docker", "kill", victim], check=True, capture_output=True)
    result, errors = recorder.communicate(timeout=200)
    first, second = json.loads(result)["episodes"]
    assert first["outcome"] == "aborted", errors
    assert first["detail"]
    assert second["outcome"] == "success"
    kept = SessionFolder(frames.parent).read_manifest()
    assert (kept.state, kept.outcome) == ("complete", "aborted")
    assert len(SessionFolder(frames.parent).frames()) > 5
    assert containers() <= before


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    done = goaltrace("record", "terminal-find-largest-file", "--env", "local", "--out", tmp_path / "sessions")
    assert done.returncode == 0, done.stderr
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], check=True)
    try:
        packed = goaltrace("pack", tmp_path / "sessions", "--out", small / "set")
        assert packed.returncode == 2
        assert "no space left" in packed.stderr
        assert "Traceback" not in packed.stderr
        assert list(small.iterdir()) == []
        again = ("record", "terminal-find-largest-file", "--env", "local", "--out", small / "sessions", "--seed", 2)
        refused = goaltrace(*again)
        assert refused.returncode == 2 and "--min-free" in refused.stderr, "less than the floor: not even begun"
        recorded = goaltrace(*again, "--min-free", 0)
        assert recorded.returncode != 0
        assert "Traceback" not in recorded.stderr
        assert "no space left" in (recorded.stdout + recorded.stderr).lower()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_an_output_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = goaltrace("record", "terminal-find-largest-file", "--env", "local", "--out", tmp_path)
    assert done.returncode == 2
    assert "choose another --out" in done.stderr
    shutil.rmtree(tmp_path)


def _wait_until(condition: object, limit_s: float = 90) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
