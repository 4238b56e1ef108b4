"""What is a person's is for its owner alone from a file's first byte on; nothing of ours can be written by others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import goaltrace
from manifests.files import replacing, write_text
from manifests.permissions import OTHERS_CANNOT_WRITE, OWNER_ONLY, as_private_as, is_private, umask, umask_at_least


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def users(request: pytest.FixtureRequest) -> int:
    """A user's own umask, for the time of a test."""
    before = os.umask(request.param)
    request.addfinalizer(lambda: os.umask(before))
    return int(request.param)


def test_a_mask_only_takes_away_and_ends(users: int, tmp_path: Path) -> None:
    with umask_at_least(OTHERS_CANNOT_WRITE):
        assert umask() == users | 0o022
        with umask_at_least(OWNER_ONLY):
            (tmp_path / "hers").mkdir()
            (tmp_path / "hers" / "a").touch()
    assert (mode(tmp_path / "hers"), mode(tmp_path / "hers" / "a")) == (0o700, 0o600)
    assert umask() == users


def test_the_front_door_never_makes_what_others_can_write(users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr("goaltrace.cli._main", lambda arguments: seen.append(umask()) or 0)
    assert goaltrace.main(["tasks"]) == 0
    assert seen == [users | 0o022]
    assert umask() == users


def test_what_replaces_a_file_is_as_private_as_the_file_was(users: int, tmp_path: Path) -> None:
    private, public = tmp_path / "private", tmp_path / "public"
    write_text(public, "1")
    private.touch(0o600)
    with replacing(private) as temporary:
        assert mode(temporary) == 0o600, "from the first byte on"
        temporary.write_text("2")
    assert mode(private) == 0o600
    assert mode(public) == 0o666 & ~users


def test_what_is_made_of_a_persons_session_is_as_private_as_it(tmp_path: Path) -> None:
    closed, agreed, open_to_all = tmp_path / "closed", tmp_path / "agreed", tmp_path / "open"
    for folder, permissions in ((closed, 0o700), (agreed, 0o755), (open_to_all, 0o755)):
        folder.mkdir()
        folder.chmod(permissions)
    (agreed / "consent.json").touch()
    assert [is_private(place) for place in (closed, agreed, open_to_all, tmp_path / "none")] == [
        True,
        True,
        False,
        False,
    ]
    with as_private_as(open_to_all, agreed):
        (tmp_path / "made").touch()
    assert mode(tmp_path / "made") == 0o600


def test_asking_for_the_umask_from_many_threads_leaves_it(users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(self: Path, encoding: str) -> str:
        raise FileNotFoundError(self)  # a system that does not tell

    monkeypatch.setattr(Path, "read_text", nothing)
    seen: set[int] = set()
    threads = [threading.Thread(target=lambda: seen.update(umask() for _ in range(500))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {users} == {umask()}


def test_programs_that_are_started_make_private_files_too(tmp_path: Path) -> None:
    with umask_at_least(OWNER_ONLY):
        subprocess.run([sys.executable, "-c", "open('made', 'w')"], cwd=tmp_path, check=True)
    assert mode(tmp_path / "made") == 0o600
