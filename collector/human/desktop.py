"""The container that a person works in, seen from the host: its screen, its recorder, and noVNC from its image."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from collector.containers.confined import PYTHON
from collector.containers.program import Program
from collector.environments.docker import SOURCE, follow_recorder, start_recorder
from collector.episodes.spec import EpisodeSpec
from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker.models.containers import Container

_RUNTIME = "/run/user/1000"
_NOVNC = "/opt/goaltrace/novnc"
_MAX_BYTES = 16 * 2**20


class PersonDesktop:
    """A running desktop; every method blocks."""

    def __init__(self, container: Container, spec: EpisodeSpec) -> None:
        self._container = container
        self._spec = spec
        self._recorder: Program | None = None
        # made inside the container, so that it stands in no environment, label or log
        self.password = read_files(container, f"{_RUNTIME}/vnc-password")["vnc-password"].decode().strip()

    def tunnel(self) -> Program:
        """A connection to the screen's VNC server."""
        command = [PYTHON, "-m", "collector.human.tunnel", f"{_RUNTIME}/vnc.sock"]
        return Program(self._container, command, SOURCE)

    def novnc(self) -> dict[str, bytes]:
        """noVNC's files by their paths below its folder: core/rfb.js, ..."""
        files = read_files(self._container, _NOVNC)
        return {name.partition("/")[2]: data for name, data in files.items()}

    def start_recorder(self) -> None:
        self._recorder = start_recorder(self._container, takes_input=True)

    def follow_recorder(self, report: Callable[[dict[str, Any]], None]) -> int:
        """Call `report` with the recorder's progress until it ends; its exit status."""
        assert self._recorder is not None
        return follow_recorder(self._recorder, self._container, self._spec, report)

    def send_to_recorder(self, line: bytes) -> None:
        """Send the recorder a command; one that is gone needs none."""
        assert self._recorder is not None
        try:
            self._recorder.write(line)
        except OSError:
            pass


def read_files(container: Container, path: str) -> dict[str, bytes]:
    """The files at or below `path` in a container, by their paths from the last part of `path`."""
    from docker.errors import NotFound

    try:
        chunks, _ = container.get_archive(path)
        data = b"".join(chunks)
    except NotFound:
        raise GoaltraceError(
            f"{path} is not in the image; it is older than this release: run goaltrace images build desktop"
        ) from None
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        members = [member for member in tar if member.isfile() and member.size <= _MAX_BYTES]
        return {member.name: file.read() for member in members if (file := tar.extractfile(member)) is not None}
