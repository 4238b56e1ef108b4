"""What the tests need from the machine: skipped with a reason on a laptop, failed in CI."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from collector.containers.confined import image_of
from tests.depth import TURN, WHOLE

# how long an example takes says nothing on a machine that is busy with others
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WITH_TORCH = ("trainer", "e2e/test_evaluate_e2e.py", "e2e/test_ranks_e2e.py")
SYSTEM_PYTHON = "/usr/bin/python3"
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
    if part == "torch":
        return None if find_spec("torch") else "PyTorch, the extra `train`, is not installed"
    if part == "player":
        return None if PLAYER.is_dir() else "asciinema's player is not here (.ci/setup.sh player)"
    if part == "text-entry":
        asked = "import gi; gi.require_version('Gtk', '3.0')"
        probe = (
            subprocess.run([SYSTEM_PYTHON, "-c", asked], capture_output=True) if Path(SYSTEM_PYTHON).exists() else None
        )
        have = probe is not None and probe.returncode == 0
        return None if have else "the system's Python has no GTK 3 (apt install python3-gi gir1.2-gtk-3.0)"
    tool = {"xvfb": "Xvfb"}.get(part, part)
    return None if shutil.which(tool) else f"{tool} is not installed"


def require(*parts: str) -> None:
    """Skip (in CI that is a failure) unless every part is there: docker, desktop, xvfb, chromium, player, ..."""
    for part in parts:
        if (reason := _missing(part)) is not None:
            pytest.skip(reason)


def pytest_configure(config: pytest.Config) -> None:
    if "GOALTRACE_CACHE" not in os.environ:  # what is remembered of shards is not the user's
        os.environ["GOALTRACE_CACHE"] = str(Path(tempfile.gettempdir()) / f"goaltrace-tests-{os.getuid()}")
    config.addinivalue_line("markers", "needs(*parts): parts of the machine this test uses; see tests/conftest.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one, whoever skipped it."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped:
        report.outcome = "failed"
        report.when = "call"  # told as a failure, not as an error of the test's set-up
        report.longrepr = f"CI must not skip: {report.longrepr}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: one of a whole module would otherwise fail for want of what the test says it needs."""
    for marker in item.iter_markers("needs"):
        require(*marker.args)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What imports PyTorch is left out where the extra `train` is not installed, but not in CI."""
    if _missing("torch") is None or os.environ.get("CI") == "true":
        return None
    here = Path(__file__).resolve().parent
    return collection_path in [here / name for name in WITH_TORCH] or None


def pytest_report_header() -> list[str]:
    tried = "everything" if WHOLE else f"a part of what is tried on many; the same again: GOALTRACE_TURN={TURN}"
    return [tried, *([f"left out: {', '.join(WITH_TORCH)} ({_missing('torch')})"] if _missing("torch") else [])]


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt in this process, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
