"""A person's session is its owner's alone while a container records it, and after; no session is open to all."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.environments.docker import DockerEnvironment
from collector.episodes.spec import EpisodeSpec
from manifests.permissions import OTHERS_CANNOT_WRITE, OWNER_ONLY, umask_at_least
from manifests.task import find_task

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "terminal", "desktop")]


def spec_of(agent: str) -> EpisodeSpec:
    """A terminal that an agent uses; a desktop whose person is gone at once, since nobody holds the other end."""
    person = agent == "human"
    task = find_task("desktop-editor-note" if person else "terminal-find-largest-file").instantiate(0)
    spec = EpisodeSpec.of(task, session_id="s", agent=agent, fps=15, environment="docker", min_free_bytes=0)
    return spec.model_copy(update={"consent_id": "p-12345678"}) if person else spec


@contextmanager
def watching(folder: Path) -> Iterator[dict[str, set[int]]]:
    """Every mode that the folder and each file in it has had from the first moment on."""
    seen: dict[str, set[int]] = {}
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                for path in (folder, *folder.iterdir()):
                    seen.setdefault(path.name, set()).add(stat.S_IMODE(path.lstat().st_mode))
            except OSError:  # not there yet, or renamed
                pass
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("users", [0o022, 0o000])
@pytest.mark.parametrize("agent", ["human", "scripted"])
def test_nobody_else_can_open_what_a_container_records(tmp_path: Path, agent: str, users: int) -> None:
    environment = DockerEnvironment()
    spec, person = environment.describe(spec_of(agent)), agent == "human"
    before = os.umask(users)
    try:
        with watching(tmp_path / "s") as seen, umask_at_least(OWNER_ONLY if person else OTHERS_CANNOT_WRITE):
            assert environment.run(spec, tmp_path / "s", lambda event: None) == 0
    finally:
        os.umask(before)
    after = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "s").iterdir()}
    logs = {"session.json", "actions.jsonl", "frames.jsonl" if person else "terminal.cast"}
    assert logs <= set(after) & set(seen), "they were seen as they grew"
    modes = {mode for name, all_of_it in seen.items() if name != "s" for mode in all_of_it} | set(after.values())
    folder = seen["s"] | {stat.S_IMODE((tmp_path / "s").stat().st_mode)}
    if person and os.getuid() in (0, 1000):
        assert (folder, modes) == ({0o700}, {0o600})
    elif person:  # the group's bits are the access control list's mask; the group itself has nothing
        assert not any(mode & 0o007 for mode in folder | modes)
    else:
        assert not any(mode & 0o022 for mode in folder | modes)
