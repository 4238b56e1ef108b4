"""Checks an image by using it as a recording will: one row a part, with a picture of each window."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.containers.confined import PYTHON, throwaway, wait_ready
from collector.containers.program import close_stream, connection_of
from collector.containers.system import system_of
from manifests.errors import GoaltraceError
from manifests.files import replacing
from manifests.programs import PROGRAMS

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

TERMINAL_TOOLS = (
    *("bash", "zsh", "fish", "git", "vim", "nano", "less", "tar", "gzip", "zip", "sqlite3", "python3", "make", "curl"),
    *("file", "tree", "jq", "ps", "awk", "sed", "grep", "find", "sort"),
)


@dataclass(frozen=True)
class CheckRow:
    """One part of an image: what was seen of it, how long it took, and the reason if it failed (else a warning)."""

    name: str
    ok: bool
    seconds: float
    window: str = ""
    detail: str = ""
    screenshot: str | None = None
    versions: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check_image(client: DockerClient, kind: str, out: Path, system: str | None = None) -> Iterator[CheckRow]:
    """Start a throw-away container of `kind` and yield each row as it is known; pictures go to `out`."""
    with throwaway(client, kind, system=system) as container:
        yield _check_versions(client, kind, container)
        yield from check_desktop(container, out) if kind == "desktop" else check_terminal(container)


def _check_versions(client: DockerClient, kind: str, container: Container) -> CheckRow:
    """What is in there; a version that nobody has tried is a warning, since names change between releases."""
    started = time.monotonic()
    system = system_of(client, kind, container.attrs["Image"])
    untried = system.untried(kind)
    warning = f"never tried by us: {', '.join(untried)}" if untried else ""
    versions = ", ".join(f"{name} {version}" for name, version in system.versions.items())
    ok = bool(versions)
    detail = warning if ok else "the image does not say its versions; build it again"
    return CheckRow("system", ok, _since(started), system.title, detail, versions=versions)


def check_desktop(container: Container, out: Path) -> Iterator[CheckRow]:
    """Rows of a desktop container: readiness, X extensions, AT-SPI, the bare desktop, each launcher and program."""
    yield CheckRow("ready", True, round(wait_ready(container), 2), "panel and desktop")
    source = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    programs = [(program.title, program.command, program.names) for program in PROGRAMS.values()]
    for line in _exec_lines(container, [PYTHON, "-c", source, json.dumps(programs)]):
        try:
            seen = json.loads(line)
            png = seen.pop("png")
        except (ValueError, KeyError):
            raise GoaltraceError(f"the check inside the container failed: {line.strip()}") from None
        screenshot = _save(out, seen["name"], base64.b64decode(png)) if png else None
        yield CheckRow(**seen, screenshot=screenshot)


def _save(out: Path, name: str, png: bytes) -> str:
    path = out / f"{name.lower().replace(' ', '-')}.png"
    with replacing(path) as temporary:
        temporary.write_bytes(png)
    return str(path)


def _exec_lines(container: Container, command: list[str]) -> Iterator[str]:
    """The command's stdout line by line; if it exits with an error, its last line of stderr is raised."""
    api: Any = container.client.api  # type: ignore[union-attr]
    exec_id = api.exec_create(container.id, command)["Id"]
    rest, errors = b"", b""
    for stdout, stderr in api.exec_start(exec_id, stream=True, demux=True):
        errors = (errors + (stderr or b""))[-4000:]
        *lines, rest = (rest + (stdout or b"")).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if api.exec_inspect(exec_id)["ExitCode"] != 0:
        last = (errors.decode("utf-8", "replace").strip().splitlines() or ["no output"])[-1]
        raise GoaltraceError(f"the check inside the container failed: {last}")


def check_terminal(container: Container) -> Iterator[CheckRow]:
    """Rows of a terminal container: each tool, the venv, and a shell on a pty."""
    for tool in TERMINAL_TOOLS:
        yield _check_command(container, tool, ["bash", "-c", f"command -v {tool} || {{ echo not installed; false; }}"])
    code = "import pydantic, yaml; print(f'pydantic {pydantic.VERSION}, PyYAML {yaml.__version__}')"
    yield _check_command(container, "venv", [PYTHON, "-c", code])
    yield _check_pty(container)


def _check_command(container: Container, name: str, command: list[str]) -> CheckRow:
    started = time.monotonic()
    result: Any = container.exec_run(command)
    last_line = (result.output.decode("utf-8", "replace").strip().splitlines() or ["no output"])[-1]
    ok = result.exit_code == 0
    return CheckRow(name, ok, _since(started), last_line if ok else "", "" if ok else last_line)


def _check_pty(container: Container) -> CheckRow:
    """A shell on a pty of a given size, typed at as the recorder does."""
    started = time.monotonic()
    api: Any = container.client.api  # type: ignore[union-attr]
    exec_id = api.exec_create(container.id, ["bash"], stdin=True, tty=True)["Id"]
    stream = api.exec_start(exec_id, tty=True, socket=True)
    connection = connection_of(stream)
    connection.settimeout(10)
    seen = b""
    try:
        api.exec_resize(exec_id, height=24, width=80)
        connection.sendall(b"echo pty-$((6*7)) $(stty size); exit\n")
        while b"pty-42 24 80" not in seen:
            received = connection.recv(4096)
            if not received:
                break
            seen += received
    except OSError as error:
        return CheckRow("pty", False, _since(started), detail=f"no answer: {error}")
    finally:
        close_stream(stream)
    ok = b"pty-42 24 80" in seen and b"agent" in seen
    detail = "" if ok else f"answered {seen[-200:]!r}"
    return CheckRow("pty", ok, _since(started), "80x24, prompt and echo" if ok else "", detail)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)
