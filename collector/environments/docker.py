"""A container of its own for every episode: no privileges, no network, removed at the end whatever happens.

Only containers that this object started are ever stopped or removed, and those of commands that were killed.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.containers.confined import (
    PYTHON,
    confinement,
    image_of,
    not_built,
    wait_ready,
    with_limited_layer,
    writable,
)
from collector.containers.engine import connect
from collector.containers.program import Program
from collector.environments.base import STOPPED
from collector.environments.collect_files import collect_files
from collector.environments.folder_access import grant_access, revoke_access
from collector.environments.orphans import OWNER, owner, remove_orphans
from collector.environments.quota import Quota
from collector.episodes.spec import EpisodeSpec
from manifests import __version__
from manifests.errors import GoaltraceError
from manifests.progress import ignore

if TYPE_CHECKING:
    from docker.models.containers import Container

SOURCE = "/opt/goaltrace/src"


class DockerEnvironment:
    """Records episodes, each in a fresh container of the image of its kind (of `system`, where there are several).

    `note` is called, in any thread, with what a user should know: a container left over, a file that was refused.
    """

    def __init__(self, system: str | None = None, note: Callable[[str], object] = ignore) -> None:
        self._note = note
        self._client = connect()
        self._system = system
        self._source = _source_archive()
        self._run_id = uuid.uuid4().hex[:12]
        self._running: dict[str, Container] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def prepare(self, kinds: set[str]) -> None:
        """Raise `GoaltraceError` unless there is an image for each kind; tidy up after commands that were killed."""
        for episode in remove_orphans(self._client):
            self._note(f"removed the container of {episode}: the command that recorded it was killed")
        for kind in sorted(kinds):
            self._image(kind)

    def describe(self, spec: EpisodeSpec) -> EpisodeSpec:
        """`spec` with the image that its episode will run in."""
        image = self._image(spec.task.kind)
        # Several tags may name one image; the one of its system stays when another is built.
        tags = sorted(image.tags, key=lambda tag: tag.endswith((":latest", f":{__version__}")))
        return spec.model_copy(update={"image": tags[0], "image_digest": image.id})

    def run(self, spec: EpisodeSpec, folder: Path, report: Callable[[dict[str, Any]], None]) -> int:
        """Record `spec` into `folder`; the recorder's exit status. Blocks until the container is gone."""
        with self.container(spec, folder) as container:
            recorder = start_recorder(container, takes_input=False)
            if self._stopped:  # perhaps before there was a recorder to be stopped
                recorder.close()
                raise GoaltraceError(f"episode {spec.episode_id}: {STOPPED}")
            return follow_recorder(recorder, container, spec, report)

    @contextmanager
    def container(
        self, spec: EpisodeSpec, folder: Path, vnc: bool = False, also: tuple[str, ...] = ()
    ) -> Iterator[Container]:
        """A container ready to record `spec` into `folder`, removed on leaving; its files there are then collected.

        `vnc`: its screen can be looked at. `also`: files that it may leave beside those of a session.
        """
        container = self._start(spec, folder, {"GOALTRACE_VNC": "unix"} if vnc else {})
        own = Path(str(self._client.info().get("DockerRootDir") or "/nowhere"))
        quota = Quota(folder, spec.min_free_bytes, partial(self._quietly, container.kill), also=own)
        try:
            quota.start()
            if spec.task.kind == "desktop":
                wait_ready(container)
            yield container
        except GoaltraceError:
            if quota.reason is None:
                raise
            raise GoaltraceError(f"episode {spec.episode_id}: {quota.reason}") from None
        finally:
            quota.stop()
            self._remove(container)
            self._give_back(container, folder)
            revoke_access(folder)
            for refused in collect_files(folder, also):
                self._note(f"episode {spec.episode_id}: not taken out of its container: {refused}")

    def stop_all(self) -> None:
        """Ask every recorder to end its session; `run` then returns in its own thread, and no other begins."""
        with self._lock:
            self._stopped = True
            running = list(self._running.values())
        stop = ["pkill", "-TERM", "-f", "collector.runner"]
        for container in running:
            self._quietly(partial(container.exec_run, stop, user="agent"))

    def remove_all(self) -> None:
        """Remove what is still there of the containers that this object started."""
        for container in list(self._running.values()):
            self._remove(container)

    def _image(self, kind: str) -> Any:
        from docker.errors import ImageNotFound

        tag = image_of(kind, self._system)
        try:
            return self._client.images.get(tag)
        except ImageNotFound:
            raise not_built(tag) from None

    def _start(self, spec: EpisodeSpec, folder: Path, settings: dict[str, str]) -> Container:
        from docker.errors import APIError
        from docker.types import Mount

        folder.mkdir(parents=True, exist_ok=True)
        try:
            container = with_limited_layer(
                lambda options: self._client.containers.create(
                    spec.image_digest or image_of(spec.task.kind, self._system),
                    name=f"goaltrace-{self._run_id}-{uuid.uuid4().hex[:6]}",
                    labels={"goaltrace.run": self._run_id, "goaltrace.episode": spec.episode_id, OWNER: owner()},
                    environment={"GOALTRACE_GEOMETRY": f"{spec.width}x{spec.height}", **settings},
                    mounts=[Mount("/session", str(folder.resolve()), type="bind"), *writable(SOURCE)],
                    **confinement(),
                    **options,
                )
            )
        except APIError as error:
            raise GoaltraceError(f"episode {spec.episode_id}: no container: {error.explanation}") from None
        with self._lock:
            self._running[container.id or ""] = container
        try:
            container.put_archive(SOURCE, self._source)
            container.put_archive("/tmp", _archive({"spec.json": spec.model_dump_json().encode()}))
            container.start()
            grant_access(folder, container)
        except GoaltraceError:
            self._remove(container)
            raise
        except APIError as error:
            self._remove(container)
            raise GoaltraceError(
                f"episode {spec.episode_id}: the container did not start: {error.explanation}"
            ) from None
        return container

    def _give_back(self, container: Container, folder: Path) -> None:
        """What cannot be read or removed because it is the container's user's becomes that of who started it."""
        if os.getuid() == 0 or all(path.lstat().st_uid == os.getuid() for path in folder.iterdir()):
            return
        self._quietly(
            lambda: self._client.containers.run(
                container.attrs["Image"],
                ["-R", "-h", f"{os.getuid()}:{os.getgid()}", "/session"],
                entrypoint="chown",
                user="root",
                remove=True,
                network_mode="none",
                cap_drop=["ALL"],
                cap_add=["CHOWN", "DAC_OVERRIDE"],
                labels={"goaltrace.run": self._run_id},
                volumes={str(folder.resolve()): {"bind": "/session", "mode": "rw"}},
            )
        )

    def _remove(self, container: Container) -> None:
        self._quietly(lambda: container.remove(force=True, v=True))
        with self._lock:
            self._running.pop(container.id or "", None)

    @staticmethod
    def _quietly(action: Callable[[], Any]) -> None:
        """Tidying up must not hide why we tidy up."""
        from docker.errors import APIError
        from requests.exceptions import RequestException

        try:
            action()
        except (APIError, RequestException):
            pass


def start_recorder(container: Container, takes_input: bool) -> Program:
    """Start the recorder of the container's one episode; a person's takes commands on its standard input."""
    return Program(container, [PYTHON, "-m", "collector.runner", "/tmp/spec.json", "/session"], SOURCE, takes_input)


def follow_recorder(
    recorder: Program, container: Container, spec: EpisodeSpec, report: Callable[[dict[str, Any]], None]
) -> int:
    """Call `report` with the recorder's progress until it ends; its exit status. `GoaltraceError` when it broke."""
    errors = io.BytesIO()
    try:
        for event in _events(recorder, errors):
            report(event)
        status = recorder.status()
    finally:
        recorder.close()
    if status not in (0, 130):
        lines = errors.getvalue().decode(errors="replace").strip().splitlines()
        reason = lines[-1][:300] if lines else f"the container is {_state(container)}"
        raise GoaltraceError(f"episode {spec.episode_id}: the recorder ended with status {status}: {reason}")
    return status


def _state(container: Container) -> str:
    from docker.errors import NotFound

    try:
        container.reload()
    except NotFound:
        return "gone"
    return str(container.status)


def _events(recorder: Program, errors: io.BytesIO) -> Iterator[dict[str, Any]]:
    """The recorder's progress lines, decoded; what it writes to standard error is kept in `errors`."""
    pending = b""
    for pipe, data in recorder.output():
        if pipe == "stderr":
            errors.write(data)
            continue
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def _archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _source_archive() -> bytes:
    """This release's own recorder, as a tar: what records in the container is what runs on the host."""
    files = {}
    for package in ("collector", "manifests"):
        root = Path(str(files_of(package)))
        for path in sorted(root.rglob("*.py")):
            files[f"{root.name}/{path.relative_to(root)}"] = path.read_bytes()
    return _archive(files)
