"""The browser page's keys come through a VNC server, which puts new keys on its keyboard as they are pressed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from collector.containers.confined import image_of

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop")]
_HERE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("layout", ["us", "de"])
def test_keys_from_a_browser_are_logged_as_typed_and_a_held_one_once(layout: str) -> None:
    command = [
        "docker", "run", "--rm", "--network", "none", "-v", f"{_HERE}:/goaltrace:ro", "-e", "PYTHONPATH=/goaltrace",
        "--entrypoint", "/opt/goaltrace/venv/bin/python", image_of("desktop"),
        "/goaltrace/tests/e2e/vnc_keys.py", layout,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    keys = json.loads(done.stdout)
    assert "".join(char or "" for kind, _, char, _ in keys if kind == "key_down") == "a" * 10 + "@€{üвхA44éẞŞé"
    held = [(kind, repeat) for kind, key, _, repeat in keys if key == "a"]
    assert held == [("key_down", None), *[("key_down", True)] * 9, ("key_up", None)]
