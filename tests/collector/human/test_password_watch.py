"""The watch for password fields always says something, also where it cannot see; what it sees: tests/e2e."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_it_says_what_it_can_and_ends_with_its_input(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "collector.human.password_watch", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
    (line,) = map(json.loads, done.stdout.splitlines())
    assert ("error" in line) == (done.returncode == 1)
    assert "error" in line or isinstance(line["focus"], bool)
