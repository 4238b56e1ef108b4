"""Building an image through Docker's API: one readable line per step shown, every line in a log kept on failure."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.containers.system import system_of
from collector.images.context import context_digest, context_tar
from manifests import __version__
from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker import DockerClient

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
MIRRORS = ("PLAYWRIGHT_DOWNLOAD_HOST",)
STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMPLAINT = re.compile(r"^(E:|ERROR|error:|fatal:)|\b(cannot|could not|unable to|failed|no such|not found)\b", re.I)
NO_BASE = re.compile(r"pull access denied|manifest for|manifest unknown|dial tcp|Client\.Timeout|no such host|toomany")


@dataclass(frozen=True)
class Build:
    """What a build made. `cached` is true when an image that was here before came out.

    `system` is the name of its operating system, `untried` what of it nobody has tried yet.
    """

    kind: str
    tags: list[str]
    id: str
    base: str
    system: str
    untried: list[str]
    cached: bool
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def tags_of(kind: str, system: str) -> list[str]:
    """The tags that a build of `kind` on `system` gets; the last one stays when another system's is built."""
    return [f"goaltrace/{kind}:{tag}" for tag in (__version__, "latest", system)]


def build_image(
    client: DockerClient,
    kind: str,
    folder: Path,
    *,
    base: str,
    ca_bundle: bytes | None = None,
    no_cache: bool = False,
) -> Build:
    """Build and tag one image on the image `base`; raises `GoaltraceError` with the log's path on failure."""
    from docker.errors import APIError

    version_tag = f"goaltrace/{kind}:{__version__}"
    before = {image.id for image in client.images.list(name=f"goaltrace/{kind}")}
    log_path = _log_path(kind)
    started = time.monotonic()
    display = StepDisplay(kind)
    image_id = ""
    last_complaint = last_line = ""
    with log_path.open("w", encoding="utf-8") as log, display:
        try:
            events = client.api.build(
                fileobj=context_tar(kind, folder, ca_bundle),
                custom_context=True,
                dockerfile=f"{kind}.Dockerfile",
                buildargs={"BASE_IMAGE": base, **forwarded_settings(os.environ)},
                labels=labels_of(kind, folder, base),
                nocache=no_cache,
                tag=version_tag,
                rm=True,
                forcerm=True,
                decode=True,
            )
            for line, event in _lines(events):
                log.write(line + "\n")
                if "aux" in event:
                    image_id = event["aux"].get("ID", image_id)
                elif "error" in event:
                    raise GoaltraceError(_failure(kind, base, line, last_complaint or last_line, log_path))
                elif line.strip():
                    last_line = line.strip()
                    last_complaint = last_line if COMPLAINT.search(last_line) else last_complaint
                    display.show(last_line)
        except APIError as error:
            raise GoaltraceError(_failure(kind, base, str(error.explanation or error), "", log_path)) from None
    log_path.unlink()
    image = client.images.get(image_id or version_tag)
    system = system_of(client, kind, str(image.id))
    tags = tags_of(kind, system.name)
    for tag in tags[1:]:
        image.tag(*tag.split(":"))
    return Build(
        kind=kind,
        tags=tags,
        id=str(image.id),
        base=base,
        system=system.name,
        untried=system.untried(kind),
        cached=image.id in before,
        seconds=round(time.monotonic() - started, 1),
    )


def labels_of(kind: str, folder: Path, base: str) -> dict[str, str]:
    """Labels by which an image says what it is; no time among them, or no build would be a cache hit."""
    return {
        "org.opencontainers.image.title": f"goaltrace {kind}",
        "org.opencontainers.image.description": f"The {kind} that GoalTrace records sessions in",
        "org.opencontainers.image.version": __version__,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.base.name": base,
        "goaltrace.kind": kind,
        "goaltrace.base": base,
        "goaltrace.context": context_digest(kind, folder),
    }


def forwarded_settings(environment: Any) -> dict[str, str]:
    """Build arguments for the host's proxies, package indexes and mirror of Playwright's downloads.

    Proxies are Docker's predefined arguments and reach no layer; pip's settings are declared in the
    build stage alone, so an index with a password in it never reaches the final image.
    """
    names = [name for proxy in PROXIES for name in (proxy, proxy.lower())] + list(PIP_SETTINGS + MIRRORS)
    return {name: environment[name] for name in names if environment.get(name)}


class StepDisplay:
    """One line per step on stderr: redrawn with its time on a terminal, printed once elsewhere."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.started = time.monotonic()
        self.live = sys.stderr.isatty()
        self.step = ""
        self.drawn_at = 0.0

    def __enter__(self) -> StepDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            sys.stderr.write("\r\x1b[K")

    def show(self, line: str) -> None:
        """Take one line of the build's output."""
        found = STEP.match(line)
        if found:
            number, total, what = found.groups()
            self.step = f"{self.kind}  step {number}/{total}  {' '.join(what.split())}"
        now = time.monotonic()
        if not self.live:
            if found:
                print(f"{now - self.started:6.1f} s  {self.step[:100]}", file=sys.stderr, flush=True)
        elif found or now - self.drawn_at > 0.2:
            self.drawn_at = now
            detail = "" if found else f"  | {line}"
            width = (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1
            sys.stderr.write(f"\r\x1b[K{f'{now - self.started:6.1f} s  {self.step}{detail}'[:width]}")
            sys.stderr.flush()


def _lines(events: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whole lines with the event that ended each: what a build writes to standard error comes in coloured pieces."""
    begun = ""
    for event in events:
        if "stream" in event:
            *whole, begun = (begun + COLOUR.sub("", event["stream"]).replace("\r", "\n")).split("\n")
            for line in whole:
                yield line, event
        else:
            yield event.get("error") or event.get("status") or "", event
    if begun:
        yield begun, {}


def _failure(kind: str, base: str, error: str, last: str, log: Path) -> str:
    error = " ".join(error.split())
    if NO_BASE.search(error):
        return (
            f"{kind}: the base image {base} is not here and cannot be pulled ({error}); "
            "correct --base, or use --base bootstrap where no registry can be reached"
        )
    reason = f"{last} ({error})" if last and last not in error else error
    return f"{kind}: the build failed: {reason}; the whole log is {log}"


def _log_path(kind: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "goaltrace"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"build-{kind}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
