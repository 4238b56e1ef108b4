"""What a killed command left is removed; a container of a command that runs is not, whoever runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from collector.environments import orphans


class Containers:
    """Docker's list of containers, and what was removed of it."""

    def __init__(self, owners: list[str]) -> None:
        self.containers = self
        self.removed: list[str] = []
        self._owners = owners

    def list(self, **_: Any) -> list[Any]:
        def one(owner: str) -> Any:
            labels = {orphans.OWNER: owner, "goaltrace.episode": owner}
            return SimpleNamespace(labels=labels, name="x", remove=lambda **_: self.removed.append(owner))

        return [one(owner) for owner in self._owners]


def owner_of(pid: int) -> str:
    return ":".join([*orphans._machine(), str(pid), orphans._started(pid)])


@pytest.mark.parametrize("hidden", [False, True])
def test_a_container_of_another_user_s_running_command_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    running = subprocess.Popen(["sleep", "60"])
    try:
        owners = [owner_of(running.pid), orphans.owner()]

        def of_another_user(pid: int, number: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        with monkeypatch.context() as patched:
            patched.setattr(os, "kill", of_another_user)
            if hidden:  # as where /proc is mounted with hidepid
                machine = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")

                def read(path: Path, encoding: str) -> str:
                    if path.name == "stat":
                        raise FileNotFoundError(2, "No such file or directory")
                    return machine

                patched.setattr(Path, "read_text", read)
            client = Containers(owners)
            assert orphans.remove_orphans(client) == [] == client.removed  # type: ignore[arg-type]
    finally:
        running.terminate()
        running.wait()


def test_a_container_whose_command_is_gone_is_removed() -> None:
    ended = subprocess.Popen(["sleep", "60"])
    owner = owner_of(ended.pid)
    ended.terminate()
    ended.wait()
    client = Containers([owner, orphans.owner(), f"elsewhere:x:{os.getpid()}:1"])
    assert orphans.remove_orphans(client) == [owner] == client.removed  # type: ignore[arg-type]
