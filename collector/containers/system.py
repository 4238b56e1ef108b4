"""Which operating system an image is, and which versions it has of the parts that recording depends on.

A part's version that nobody has tried is reported with its number: names, roles and options change between releases.
"""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from manifests.programs import PROGRAMS

if TYPE_CHECKING:
    from docker import DockerClient

OS_RELEASE = "/usr/lib/os-release"
VERSIONS = "/usr/share/goaltrace/versions"
"""Written by the Dockerfiles: package and version, a line each, of what `parts` names."""
MAX_BYTES = 2**20


@dataclass(frozen=True)
class SystemPart:
    """A part of the system, the packages that bring it, and the versions (major.minor) it was tried with.

    One without versions is of the newest on every release.
    """

    name: str
    packages: tuple[str, ...]
    tried: tuple[str, ...]


_PARTS = {
    "desktop": (
        SystemPart("TigerVNC", ("tigervnc-standalone-server",), ("1.12", "1.15")),
        SystemPart("AT-SPI", ("at-spi2-core",), ("2.46", "2.56")),
        SystemPart("XFCE", ("xfce4-panel",), ("4.18", "4.20")),
        SystemPart("FFmpeg", ("ffmpeg",), ("5.1", "7.1")),
        SystemPart("GTK", ("libgtk-3-0t64", "libgtk-3-0"), ("3.24",)),
        SystemPart("Python", ("python3",), ("3.11", "3.13")),
    ),
    "terminal": (
        SystemPart("bash", ("bash",), ("5.2",)),
        SystemPart("zsh", ("zsh",), ("5.9",)),
        SystemPart("fish", ("fish",), ("3.6", "4.0")),
        SystemPart("git", ("git",), ("2.39", "2.47")),
        SystemPart("vim", ("vim",), ("9.0", "9.1")),
        SystemPart("nano", ("nano",), ("7.2", "8.4")),
        SystemPart("Python", ("python3",), ("3.11", "3.13")),
    ),
}


def parts(kind: str) -> tuple[SystemPart, ...]:
    """The parts of an image of this kind; those of a desktop are the system's and its programs."""
    programs = PROGRAMS.values() if kind == "desktop" else ()
    return (*_PARTS[kind], *(SystemPart(program.title, program.packages, program.tried) for program in programs))


def parse_os_release(text: str) -> dict[str, str]:
    """The fields of an os-release file (freedesktop.org's os-release(5)), without their quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


@dataclass(frozen=True)
class System:
    """An image's operating system: `name` such as debian-13, a word to print, and the versions of its parts."""

    name: str
    title: str
    versions: dict[str, str]

    @classmethod
    def of(cls, kind: str, os_release: str, versions: str) -> System:
        """From the texts of the two files that an image holds."""
        fields = parse_os_release(os_release)
        release = fields.get("VERSION_ID") or fields.get("VERSION_CODENAME") or "unknown"
        name = re.sub(r"[^a-z0-9.]+", "-", f"{fields.get('ID', 'linux')}-{release}".lower()).strip("-.")[:60]
        title = f"{fields.get('NAME', 'Linux').removesuffix(' GNU/Linux')} {release}"
        packages = dict(line.split(" ", 1) for line in versions.splitlines() if " " in line)
        found = {}
        for part in parts(kind):
            installed = [packages[package] for package in part.packages if packages.get(package)]
            if installed:
                found[part.name] = upstream(installed[0])
        return cls(name, title, found)

    def untried(self, kind: str) -> list[str]:
        """A phrase for each part whose version was never tried: "AT-SPI 2.60 (tried: 2.46, 2.56)"."""
        tried = {part.name: part.tried for part in parts(kind)}
        return [
            f"{name} {version} (tried: {', '.join(tried[name])})"
            for name, version in self.versions.items()
            if tried[name] and ".".join(version.split(".")[:2]) not in tried[name]
        ]


def upstream(version: str) -> str:
    """A package's version as its authors count: 1:3.24.38-2~deb12u3 is 3.24.38."""
    bare = version.split(":", 1)[-1].rsplit("-", 1)[0]
    found = re.match(r"\d+(\.\d+)*", bare)
    return found[0] if found else bare


def system_here(kind: str) -> System | None:
    """The system that this process runs on where that is an image of ours, else None."""
    if not Path(VERSIONS).is_file():
        return None
    return System.of(kind, Path(OS_RELEASE).read_text(encoding="utf-8"), Path(VERSIONS).read_text(encoding="utf-8"))


def image_versions(kind: str) -> dict[str, str]:
    """What a session's manifest says of the image that it was recorded in: its system and parts, by name."""
    here = system_here(kind)
    return {"system": here.title, **{name.lower(): version for name, version in here.versions.items()}} if here else {}


def untried_here(kind: str) -> list[str]:
    """What of this image nobody has tried, as `System.untried`; nothing where this is no image of ours."""
    here = system_here(kind)
    return here.untried(kind) if here else []


def system_of(client: DockerClient, kind: str, image: str) -> System:
    """The system of an image that is here; nothing of it is run."""
    created = client.api.create_container(image, ["true"], entrypoint="")
    try:
        return System.of(kind, _file(client, created["Id"], OS_RELEASE), _file(client, created["Id"], VERSIONS))
    finally:
        client.api.remove_container(created["Id"], force=True)


def _file(client: DockerClient, container: str, path: str) -> str:
    from docker.errors import NotFound

    try:
        chunks, _ = client.api.get_archive(container, path)
    except NotFound:
        return ""
    packed = b""
    for chunk in chunks:
        packed += chunk
        if len(packed) > MAX_BYTES:
            return ""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members: list[Any] = [tar.extractfile(member) for member in tar.getmembers() if member.isfile()]
        return members[0].read().decode("utf-8", "replace") if members else ""
