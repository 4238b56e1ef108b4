"""A page is a command of one module: it is served to whoever has its address, and to nobody else."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.extending.checkout import Checkout
from tests.waiting import PATIENCE_S


def test_the_page_of_the_page_is_served_to_whoever_has_its_address(tmp_path: Path) -> None:
    project = Checkout(tmp_path / "project", "A page")
    assert (project.files, project.entries) == (["collector/commands/hello.py"], ["goaltrace/cli.py"])
    served = subprocess.Popen(
        [sys.executable, "-m", "goaltrace", "hello", "--no-open"], stdout=subprocess.PIPE, text=True,
        cwd=project.path, env=project.environment,
    )  # fmt: skip
    try:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        assert "<p>hello" in urllib.request.urlopen(address, timeout=PATIENCE_S).read().decode()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.rsplit("/", 2)[0] + "/", timeout=PATIENCE_S)
        served.terminate()
        assert served.wait(PATIENCE_S) == 0
    finally:
        served.kill()
        served.wait()
