"""What the tests need from the machine: skipped with a reason on a laptop, failed in CI."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from collector.images.containers import image_of

# how long an example takes says nothing on a machine that is busy with others
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PLAYER = Path(sys.prefix) / "share" / "asciinema-player" / "dist" / "bundle"
"""asciinema's own player, as .ci/setup.sh fetched it."""


@functools.cache
def _missing(part: str) -> str | None:
    """Why `part` is not usable here, or None."""
    if part == "docker":
        if shutil.which("docker") is None:
            return "docker is not installed"
        probe = subprocess.run(["docker", "info"], capture_output=True, check=False)
        return None if probe.returncode == 0 else "no Docker engine answers"
    if part in ("desktop", "terminal"):
        reason = _missing("docker")
        if reason:
            return reason
        image = image_of(part)
        probe = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
        return None if probe.returncode == 0 else f"{image} is not built (goaltrace images build)"
    if part == "shared":
        return None if SHARED_DATA.is_dir() else f"{SHARED_DATA} is absent"
    if part == "cjk-font":
        return None if find_spec("noto_cjk_sans_otc") else "the extra `fonts` is not installed"
    if part == "emoji-font":
        asked = "command -v fc-list >/dev/null && fc-list :charset=1f600:color=true | grep -q ."
        probe = subprocess.run(["sh", "-c", asked], check=False)
        return None if probe.returncode == 0 else "no font of the system has emoji in colour"
    if part == "player":
        return None if PLAYER.is_dir() else "asciinema's player is not here (.ci/setup.sh player)"
    tool = {"xvfb": "Xvfb"}.get(part, part)
    return None if shutil.which(tool) else f"{tool} is not installed"


def require(*parts: str) -> None:
    """Skip (fail in CI) unless every part is there: docker, desktop, terminal, xvfb, chromium, ffmpeg, player, ..."""
    for part in parts:
        reason = _missing(part)
        if reason is None:
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have {part}: {reason}")
        pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*parts): parts of the machine this test uses; see tests/conftest.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one, whoever skipped it."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CI must not skip: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _needs(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("needs"):
        require(*marker.args)


@pytest.fixture
def shared_data() -> Path:
    """Real input that this project did not write."""
    require("shared")
    return SHARED_DATA


@pytest.fixture(scope="session")
def xserver() -> Iterator[str]:
    """A real X server of our own (Xvfb, 640x480); its display, which is also $DISPLAY."""
    require("xvfb")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as line:
        display = f":{line.readline().strip()}"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = display
    yield display
    server.terminate()
    server.wait()
    if before is None:
        del os.environ["DISPLAY"]
    else:
        os.environ["DISPLAY"] = before
