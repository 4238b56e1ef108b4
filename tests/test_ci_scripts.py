"""What the scripts under .ci decide, with stand-ins for the commands that they call: each says what it was asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PULLED, NOT_PULLED = "exit 0", '[ "$1 $2" = "image inspect" ] && [ "$3" = -f ] && exit 0; exit 1'


def images(
    tmp_path: Path, purpose: str, docker: str, goaltrace: str = "exit 0", **settings: str
) -> tuple[str, list[str]]:
    """What .ci/images.sh prints, and the calls of goaltrace that it makes."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/images.sh", tmp_path / ".ci")
    calls = tmp_path / "calls"
    for name, body in (("docker", docker), (".venv/bin/goaltrace", f'echo "$@" >> {calls}\n{goaltrace}')):
        stand_in = tmp_path / name
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        stand_in.write_text(f"#!/bin/sh\n{body}\n")
        stand_in.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name not in ("GOALTRACE_BASE", "RELEASE")}
    environment = {**kept, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PIP_CERT": "", "SSL_CERT_FILE": "", **settings}
    done = subprocess.run(
        ["bash", tmp_path / ".ci/images.sh", purpose], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, calls.read_text().splitlines()


def test_a_demo_takes_the_pulled_base_that_builds_and_is_checked(tmp_path: Path) -> None:
    said, calls = images(tmp_path, "demo", PULLED)
    assert calls == ["images build --base ubuntu:24.04", "images check --out .venv/images-check"]
    assert "instead" not in said


@pytest.mark.parametrize("breaks", ["ubuntu", "check"])
def test_a_demo_whose_pulled_base_fails_says_so_and_makes_one_of_its_own(tmp_path: Path, breaks: str) -> None:
    said, calls = images(tmp_path, "demo", PULLED, f'case "$*" in *{breaks}*) exit 1; esac')
    assert calls[-1] == "images build --base bootstrap"
    assert "ubuntu:24.04 did not work here" in said


def test_a_demo_that_can_pull_nothing_says_so_and_makes_its_base(tmp_path: Path) -> None:
    said, calls = images(tmp_path, "demo", NOT_PULLED)
    assert calls == ["images build --base bootstrap"]
    assert "ubuntu:24.04 cannot be pulled here" in said


def test_a_base_that_was_named_is_taken_as_it_is(tmp_path: Path) -> None:
    _, calls = images(tmp_path, "demo", PULLED, GOALTRACE_BASE="mine:1")
    assert calls == ["images build --base mine:1"]


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_the_tests_release_can_be_chosen(tmp_path: Path, release: str) -> None:
    _, calls = images(tmp_path, "test", PULLED, RELEASE=release)
    wanted = {"bookworm": "debian:12", "trixie": "debian:13"}[release]
    assert calls in ([f"images build --base bootstrap --release {release}"], [f"images build --base {wanted}"])


def test_each_commit_has_one_release_and_both_have_their_turn(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    seen = {}
    for number in range(12):
        commit = [
            "git",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            str(number),
        ]
        subprocess.run(commit, cwd=tmp_path, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True)
        shutil.rmtree(tmp_path / ".ci", ignore_errors=True)
        (tmp_path / "calls").unlink(missing_ok=True)
        _, (call,) = images(tmp_path, "test", NOT_PULLED if _is_debian() else PULLED)
        seen[head.stdout.strip()] = call
    assert len(set(seen.values())) == 2
    for commit, call in seen.items():
        even = commit[-1] in "02468ace"
        assert ("bookworm" in call or "debian:12" in call) is even


def _is_debian() -> bool:
    return "\nID=debian\n" in "\n" + Path("/etc/os-release").read_text(encoding="utf-8")
