"""Killing a real recorder, its ffmpeg, its container, its disk: a second before is readable, and can be made whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.containers.confined import image_of
from collector.environments.orphans import OWNER, owner
from collector.episodes.spec import EpisodeSpec
from collector.probe.judge import judge
from collector.probe.run import _spec
from collector.sessions.check import check_session
from collector.sessions.recover import recover_session
from manifests.session import SessionFolder

pytestmark = [pytest.mark.e2e, pytest.mark.needs("xvfb", "ffmpeg")]
SECOND = 10**9


def spec_of(display: str) -> EpisodeSpec:
    return _spec("idle", display, 15, "auto", 0)


@contextmanager
def recorder(folder: Path, spec: EpisodeSpec) -> Iterator[subprocess.Popen[str]]:
    """The real recorder, filming a counter, in a process group of its own; all of it is gone on leaving."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.parent / f"{folder.name}-spec.json"
    path.write_text(spec.model_dump_json())
    command = [sys.executable, "-m", "collector.probe.scenario", str(path), str(folder), "idle", "30", "0"]
    environment = dict(os.environ) | {"DISPLAY": spec.display or ""}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def wait_for_frames(folder: Path, seconds: float, patience_s: float = 30) -> None:
    """Until the recording is `seconds` long."""
    path = folder / "frames.jsonl"
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        lines = path.read_bytes().splitlines() if path.exists() else []
        if len(lines) > 2 and json.loads(lines[-2])["t1_ns"] > seconds * SECOND:
            return
        time.sleep(0.05)
    raise AssertionError("nothing is being recorded")


def children(pid: int, program: str) -> list[int]:
    """Process ids of the children of `pid` that run `program`."""
    said = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    return [int(line.split()[0]) for line in said.stdout.splitlines() if line.split()[1] == program]


def time_when_up_to_date(folder: SessionFolder) -> int:
    """Now, on the session's clock, at a moment when no frame is late: a recorder that waits for a core has lost nothing
    yet.
    """
    origin, deadline = folder.read_manifest().clock.origin_monotonic_ns, time.monotonic() + 30
    while time.monotonic() < deadline:
        last, now = folder.frames()[-1].t1_ns, time.monotonic_ns() - origin
        if now - last < SECOND // 5:
            return now
        time.sleep(0.01)
    raise AssertionError("the recorder lags behind")


def wait_until_gone(pid: int) -> None:
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


def test_a_killed_recorder_loses_less_than_a_second(xserver: str, tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "s")
    with recorder(folder.path, spec_of(xserver)) as process:
        wait_for_frames(folder.path, 4)
        (encoder,) = children(process.pid, "ffmpeg")
        killed = time_when_up_to_date(folder)
        process.kill()
        wait_until_gone(encoder)
    time.sleep(3)  # a session written to a moment ago counts as being recorded
    assert check_session(folder), "a killed session is not called whole"
    assert recover_session(folder).status == "recovered"
    frames = folder.frames()
    assert frames[-1].t1_ns > killed - SECOND
    verdict = judge(folder.path)
    assert verdict.events > 10
    assert (verdict.contradictions, verdict.unreadable) == (0, 0), "what is left is exact"
    assert recover_session(folder).status == "fine", "a second run has nothing to do"


def test_a_killed_ffmpeg_ends_the_recording_with_the_reason(xserver: str, tmp_path: Path) -> None:
    folder = SessionFolder(tmp_path / "s")
    with recorder(folder.path, spec_of(xserver)) as process:
        wait_for_frames(folder.path, 4)
        (encoder,) = children(process.pid, "ffmpeg")
        killed = time_when_up_to_date(folder)
        os.kill(encoder, signal.SIGKILL)
        assert process.wait(60) == 2
        assert process.stderr is not None
        assert "ffmpeg" in process.stderr.read()
    manifest = folder.read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert "ffmpeg" in manifest.outcome_detail
    time.sleep(3)
    assert recover_session(folder).status == "recovered"
    assert folder.frames()[-1].t1_ns > killed - SECOND
    assert judge(folder.path).contradictions == 0


def test_a_full_disk_ends_the_recording_and_loses_less_than_a_second(xserver: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    try:
        folder = SessionFolder(disk / "s")
        spec = spec_of(xserver).model_copy(update={"min_free_bytes": 0})
        with recorder(folder.path, spec) as process:
            wait_for_frames(folder.path, 3)
            with (disk / "ballast").open("wb", buffering=0) as ballast:
                try:
                    while True:
                        ballast.write(bytes(4096))
                except OSError:
                    full = time.monotonic_ns() - folder.read_manifest().clock.origin_monotonic_ns
            assert process.wait(60) != 0
        (disk / "ballast").unlink(missing_ok=True)
        time.sleep(3)
        recover_session(folder)
        frames = folder.frames()
        assert frames[-1].t1_ns > full - SECOND
        assert judge(folder.path).contradictions == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_frozen_machine_is_a_counted_gap_and_nothing_else(xserver: str, tmp_path: Path) -> None:
    """Recorder and encoder stand still for three seconds, as in a suspended virtual machine; the counter does not."""
    folder = SessionFolder(tmp_path / "s")
    with recorder(folder.path, spec_of(xserver)) as process:
        wait_for_frames(folder.path, 3)
        both = [process.pid, *children(process.pid, "ffmpeg")]
        frozen = time.monotonic()
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3)
        frozen = time.monotonic() - frozen
        for pid in both:
            os.kill(pid, signal.SIGCONT)
        wait_for_frames(folder.path, 8)
        process.terminate()
        process.wait(60)
    time.sleep(3)
    recover_session(folder)
    gaps = [frame.dropped_before for frame in folder.frames()]
    assert -5 <= max(gaps) - 15 * frozen <= 5, "three seconds of ticks, counted in the frame after them"
    verdict = judge(folder.path)
    assert (verdict.contradictions, verdict.unreadable) == (0, 0)


@contextmanager
def campaign(out: Path) -> Iterator[tuple[subprocess.Popen[str], SessionFolder, str]]:
    """`goaltrace record` of an agent under way: its process, its session and its container."""
    command = [sys.executable, "-m", "goaltrace", "record", "desktop-editor-note", "--seed", "5", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folder = SessionFolder(out / "desktop-editor-note-scripted-0005")
    try:
        wait_for_frames(folder.path, 3, patience_s=90)
        filters = ["--filter", f"label=goaltrace.episode={folder.path.name}", "--filter", f"volume={folder.path}"]
        listed = subprocess.run(["docker", "ps", "-q", *filters], capture_output=True, text=True, check=True)
        yield process, folder, listed.stdout.split()[0]
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.needs("docker", "desktop")
def test_a_killed_container_loses_less_than_a_second(tmp_path: Path) -> None:
    with campaign(tmp_path / "out") as (process, folder, container):
        killed = time_when_up_to_date(folder)
        subprocess.run(["docker", "kill", container], check=True, capture_output=True)
        said, _ = process.communicate(timeout=60)
    assert "aborted" in said
    time.sleep(3)
    assert recover_session(folder).status == "recovered"
    assert folder.frames()[-1].t1_ns > killed - SECOND
    assert all(path.stat().st_uid == os.getuid() for path in folder.path.iterdir())


@pytest.mark.needs("docker", "desktop", "terminal")
def test_the_container_of_a_killed_command_is_removed_by_the_next_one_and_no_other(tmp_path: Path) -> None:
    machine, boot, _, _ = owner().split(":")
    spared = {
        "of a command that still runs": f"{OWNER}={owner()}",
        "of another machine": f"{OWNER}=elsewhere:{boot}:999999:1",
        "of an earlier boot": f"{OWNER}={machine}:0000:999999:1",
        "of processes that are not seen from here": f"{OWNER}={machine}:{boot.partition('/')[0]}/1:999999:1",
        "of nobody we know": "somebody=else",
    }
    made = {
        why: subprocess.run(
            ["docker", "create", "--label", label, image_of("terminal"), "true"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()[:12]
        for why, label in spared.items()
    }  # fmt: skip
    try:
        with campaign(tmp_path / "killed") as (process, _, container):
            process.kill()
            process.wait()
            command = [sys.executable, "-m", "goaltrace", "record", "terminal-find-largest-file", "--out"]
            done = subprocess.run([*command, str(tmp_path / "next")], capture_output=True, text=True, check=True)
            assert "removed the container of desktop-editor-note-scripted-0005" in done.stderr
            left = subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True, check=True).stdout.split()
            assert container not in left
            assert {why for why, name in made.items() if name not in left} == set()
    finally:
        subprocess.run(["docker", "rm", "-f", *made.values()], capture_output=True, check=True)


@pytest.mark.needs("docker", "desktop")
def test_a_container_that_is_frozen_for_a_while_goes_on(tmp_path: Path) -> None:
    """All of it stands still, as when a laptop's virtual machine sleeps: agent, X server, recorder and ffmpeg."""
    with campaign(tmp_path / "out") as (process, folder, container):
        begin = time.monotonic()
        subprocess.run(["docker", "pause", container], check=True, capture_output=True)
        time.sleep(3)
        subprocess.run(["docker", "unpause", container], check=True, capture_output=True)
        at_most = time.monotonic() - begin
        said, errors = process.communicate(timeout=120)
    assert "success" in said, (said, errors)
    manifest, frames = folder.read_manifest(), folder.frames()
    assert manifest.invalid_reasons == []
    assert 40 <= max(frame.dropped_before for frame in frames) <= 15 * at_most + 5
    assert check_session(folder) == []
