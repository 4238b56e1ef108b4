"""A container plants nothing on the host: only a session's own files come out, as plain files, and not without end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from collector.containers.confined import UNPRIVILEGED, image_of, throwaway
from collector.containers.engine import connect
from collector.environments import quota
from collector.environments.collect_files import collect_files, usage
from collector.environments.docker import DockerEnvironment
from collector.environments.quota import Quota
from collector.episodes.spec import EpisodeSpec
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder
from manifests.task import find_task
from tests.collector.session_folders import make_session
from tests.waiting import PATIENCE_S, comes

SPEC = EpisodeSpec.of(
    find_task("terminal-find-largest-file").instantiate(0), session_id="s", agent="scripted", fps=15,
    environment="docker", min_free_bytes=0,
)  # fmt: skip


def plain_files(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What is in a folder: type and mode, owner, links."""
    return {p.name: (p.lstat().st_mode, p.lstat().st_uid, p.lstat().st_nlink) for p in sorted(folder.iterdir())}


def test_only_a_sessions_own_files_are_taken_and_nothing_of_them_but_their_bytes(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s")
    secret = tmp_path / "secret"
    secret.write_text("mine")
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    folder.screen.chmod(0o4777)
    folder.frames_path.chmod(0o000)
    os.link(folder.actions_path, tmp_path / "again")
    folder.events_path.symlink_to(secret)
    os.mkfifo(folder.cursors_path)
    folder.consent_path.mkdir()
    (folder.path / "setuid").write_text("#!/bin/sh")
    (folder.path / "setuid").chmod(0o6755)
    (folder.path / "below" / "deep").mkdir(parents=True)
    (folder.path / "below" / "session.json").write_text("{}")
    (folder.path / "dangling").symlink_to("/nowhere/at/all")
    (folder.path / "a\x1b[2J").touch()
    with folder.cast.open("wb") as large:
        large.truncate(2**40)
    refused = collect_files(folder.path)
    assert (
        len(refused) == 6
        and refused[-1] in ("and 3 more", "and 4 more")
        and not any("\x1b" in line for line in refused)
    )
    names = set(before) - ({"frames.jsonl"} if os.getuid() else set())
    assert set(plain_files(folder.path)) == names
    assert set(plain_files(folder.path).values()) == {(stat.S_IFREG | 0o644, os.getuid(), 1)}, "as the umask has it"
    assert all((folder.path / name).read_bytes() == before[name] for name in names)
    assert secret.read_text() == "mine" and (tmp_path / "again").exists()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o755


def test_files_that_are_ours_already_are_not_copied(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s")
    for path in folder.path.iterdir():
        path.chmod(0o644)
    before = {path.name: path.stat().st_ino for path in folder.path.iterdir()}
    assert collect_files(folder.path) == []
    assert {path.name: path.stat().st_ino for path in folder.path.iterdir()} == before


def test_what_a_session_writes_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_EVERY_S", 0.05)
    (tmp_path / "s").mkdir()
    ended: list[bool] = []
    watch = Quota(tmp_path / "s", 0, lambda: ended.append(True), quota=2**20)
    assert watch.look() is None
    watch.start()
    (tmp_path / "s" / "below").mkdir()
    (tmp_path / "s" / "below" / "x").write_bytes(os.urandom(2**21))
    assert comes(lambda: ended)
    watch.stop()
    assert ended and "wrote more than" in (watch.reason or "")
    assert "are left on the disk" in (Quota(tmp_path, 2**62, lambda: None).look() or "")
    for number in range(1100):
        (tmp_path / "s" / str(number)).touch()
    assert "more than 1000 files" in (Quota(tmp_path / "s", 0, lambda: None).look() or "")
    assert usage(tmp_path / "absent") == (0, 0)


def test_every_container_has_the_same_walls() -> None:
    assert UNPRIVILEGED["memswap_limit"] == UNPRIVILEGED["mem_limit"]
    assert {"cpu_quota", "pids_limit", "network_mode", "cap_drop", "security_opt"} <= set(UNPRIVILEGED)


@pytest.mark.needs("docker", "terminal")
def test_nothing_that_a_container_plants_reaches_the_host(tmp_path: Path) -> None:
    notes: list[str] = []
    environment = DockerEnvironment(note=notes.append)
    spec = environment.describe(SPEC)
    plants = (
        "cd /session && cp /bin/sh shell && chmod 6777 shell && cp /bin/sh frames.jsonl && chmod 4755 frames.jsonl && "
        "ln -s /etc/shadow events.jsonl && mkfifo cursors.jsonl && mkdir -p below && chmod 0 below && ln -s / root && "
        "echo '{}' > session.json && chmod 0 session.json && ln frames.jsonl actions.jsonl; "
        "truncate -s 1T screen.mkv; true"
    )
    with environment.container(spec, tmp_path / "s") as container:
        limits = container.attrs["HostConfig"]
        assert limits["Memory"] == limits["MemorySwap"] == 3 * 2**30
        assert limits["CpuQuota"] and limits["PidsLimit"] == 2048 and limits["ReadonlyRootfs"]
        assert container.exec_run(["touch", "/var/x"], user="root").exit_code != 0
        assert container.exec_run(["sh", "-c", "touch ~/x /tmp/x /var/tmp/x"], user="agent").exit_code == 0
        assert container.exec_run(["sh", "-c", plants], user="agent").exit_code == 0
    left = plain_files(tmp_path / "s")
    assert set(left) <= {"frames.jsonl", "actions.jsonl", "session.json", "screen.mkv"} and "frames.jsonl" in left
    assert set(left.values()) == {(stat.S_IFREG | 0o644, os.getuid(), 1)}
    assert notes and all("not taken out of its container: " in note for note in notes)


@pytest.mark.needs("docker", "terminal")
def test_a_container_that_fills_its_session_is_ended_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = DockerEnvironment()
    spec = environment.describe(SPEC)
    monkeypatch.setattr(
        "collector.environments.docker.Quota",
        lambda folder, floor, end, also: Quota(folder, floor, end, 20 * 2**20, also),
    )
    with (
        pytest.raises(GoaltraceError, match="wrote more than"),
        environment.container(spec, tmp_path / "s") as container,
    ):
        container.exec_run(["sh", "-c", "yes > /session/terminal.cast"], user="agent")
        container.wait(timeout=PATIENCE_S)
        raise GoaltraceError("the recorder ended")


@pytest.mark.needs("docker", "terminal")
def test_images_check_has_the_walls_of_a_recording() -> None:
    client = connect()
    assert image_of("terminal")
    with throwaway(client, "terminal") as container:
        container.reload()
        limits = container.attrs["HostConfig"]
    assert limits["Memory"] == limits["MemorySwap"] == 3 * 2**30 and limits["PidsLimit"] == 2048
    assert limits["CpuQuota"] == UNPRIVILEGED["cpu_quota"] and limits["CapDrop"] == ["ALL"]
    assert limits["ReadonlyRootfs"]


@pytest.mark.needs("docker", "desktop")
def test_a_desktop_writes_nowhere_but_where_it_has_to(tmp_path: Path) -> None:
    environment = DockerEnvironment()
    task = find_task("desktop-editor-note").instantiate(1)
    spec = EpisodeSpec.of(task, session_id="s", agent="scripted", fps=5, environment="docker", min_free_bytes=2**20)
    with environment.container(environment.describe(spec), tmp_path / "s") as container:
        for place in ("/x", "/var/x", "/etc/x", "/usr/x", "/opt/goaltrace/x", "/run/x"):
            assert container.exec_run(["touch", place], user="root").exit_code != 0
        written = "touch ~/x /tmp/x /var/tmp/x /session/x $XDG_RUNTIME_DIR/x"
        assert container.exec_run(["sh", "-c", written], user="agent").exit_code == 0


@pytest.mark.needs("docker", "terminal")
def test_a_recording_in_a_container_is_as_it_was(tmp_path: Path) -> None:
    environment = DockerEnvironment()
    spec = environment.describe(SPEC)
    assert environment.run(spec, tmp_path / "s", lambda event: None) == 0
    folder = SessionFolder(tmp_path / "s")
    assert folder.read_manifest().state == "complete" and folder.cast.is_file()
    assert set(plain_files(folder.path).values()) == {(stat.S_IFREG | 0o644, os.getuid(), 1)}
