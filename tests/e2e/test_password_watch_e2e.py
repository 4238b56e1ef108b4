"""Password fields are recognised where people meet them: in a GTK window and in a page in Chromium, for real."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collector.containers.confined import PYTHON, throwaway, wait_ready
from collector.episodes.spec import EpisodeSpec
from manifests.task import TaskManifest

if TYPE_CHECKING:
    from docker.models.containers import Container

ROOT = Path(__file__).parents[2]
PARTS = ["collector", "manifests"]
SCRIPTS = ["password_fields.py", "password_session.py"]
HOLD_MS = 300
"""A recorder holds frames and input back for this long (collector/recording/gate.py): a report must not be later."""

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop")]


@pytest.fixture(scope="module")
def desktop() -> Iterator[Container]:
    from collector.containers.engine import connect

    with throwaway(connect(), "desktop") as container:
        wait_ready(container)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for part in PARTS:
                archive.add(ROOT / part, f"watch/{part}")
            for script in SCRIPTS:
                archive.add(ROOT / "tests/e2e" / script, f"watch/{script}")
            spec = _spec().model_dump_json().encode()
            member = tarfile.TarInfo("watch/spec.json")
            member.size = len(spec)
            archive.addfile(member, io.BytesIO(spec))
        container.put_archive("/tmp", buffer.getvalue())
        yield container


def _spec() -> EpisodeSpec:
    """A person's recording of the container's own screen."""
    about = {"schema_version": "1.0", "id": "free-desktop", "kind": "desktop", "family": "free", "goal": "Sign in"}
    task = TaskManifest.model_validate(about | {"script": [], "check": []}).instantiate(0)
    spec = EpisodeSpec.of(task, session_id="s", agent="human", fps=15, environment="display", min_free_bytes=0)
    return spec.model_copy(update={"display": ":1", "consent_id": "p-test"})


def run(desktop: Container, *command: str, **environment: str) -> list[dict[str, Any]]:
    """The JSON lines that `command` prints in the desktop."""
    done = desktop.exec_run(
        [PYTHON, *command], workdir="/tmp/watch", environment={"PYTHONPATH": "/tmp/watch"} | environment, demux=True
    )
    out, errors = (part.decode() if part else "" for part in done.output)
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert lines, errors[-2000:]
    return lines


@pytest.mark.parametrize("program", ["gtk", "chromium"])
def test_the_focus_of_a_password_field_is_reported_in_time(desktop: Container, program: str) -> None:
    steps = run(desktop, "password_fields.py", program)
    assert [(step["step"], step.get("focus")) for step in steps] == [
        ("start", False),
        ("a plain field has the focus", None),
        ("tab into the password field", True),
        ("type a letter", None),
        ("tab out of it", False),
        ("tab into it again", True),
        ("to a window that AT-SPI does not know", False),
        ("and back", True),
        ("its program hangs for a while", None),
        ("start to watch while it has the focus", None),
        ("a new watch", True),
        ("its program ends", False),
        ("its input closes", None),
        ("its input closes", None),
    ]
    lags = [step["lag_ms"] for step in steps if step.get("focus") and "lag_ms" in step]
    print(f"{program}: reports came {lags} ms after the key that moved the focus")
    assert max(lags) < HOLD_MS
    assert [step["status"] for step in steps if "status" in step] == [0, 0], "it ends with its input"


def test_what_is_typed_into_a_password_field_is_not_in_the_session(desktop: Container) -> None:
    """Keys keep their times and lose their names, frames are blank, from before the focus until after it."""
    (seen,) = run(desktop, "password_session.py", "/tmp/watch/spec.json", "/tmp/session")
    assert seen["events"] == [["hide", "password field"], ["show", "password field"]]
    assert "".join(key[0] for key in seen["keys"] if key in "abcdpw?") == "ab" + "?" * seen["keys"].count("?") + "cd"
    assert seen["keys"].count("?") >= 2
    assert not {"p", "w"} & set(seen["keys"])
    assert seen["leaks"] == []
    frames, blank = seen["frames"]
    assert frames == blank > 10
    assert not any("not recognised" in note for note in seen["notes"])


@pytest.mark.parametrize("on", [False, True])
def test_a_check_says_whether_every_program_tells(desktop: Container, on: bool) -> None:
    """Browsers and Qt programs tell of their fields only while accessibility is turned on."""
    bus = ["--session", "--dest", "org.a11y.Bus", "--object-path", "/org/a11y/bus"]
    change = ["org.freedesktop.DBus.Properties.Set", "org.a11y.Status", "IsEnabled", f"<{str(on).lower()}>"]
    done = desktop.exec_run(["gdbus", "call", *bus, "--method", *change])
    assert done.exit_code == 0, done.output.decode()
    (line,) = run(desktop, "-m", "collector.human.password_watch", "--check")
    assert (line["focus"], line["everywhere"]) == (False, on)


def test_a_desktop_that_does_not_say_is_an_error_and_no_silence(desktop: Container) -> None:
    nowhere = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "DISPLAY": "", "AT_SPI_BUS_ADDRESS": ""}
    (line,) = run(desktop, "-m", "collector.human.password_watch", "--check", **nowhere)
    assert "accessibility" in line["error"]
