"""A base image made on this host by debootstrap, for places that reach a package mirror but no registry."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from collector.containers.system import parse_os_release
from collector.images.build import StepDisplay
from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from docker import DockerClient

DEBIAN = ("bookworm", "trixie", "forky", "duke", "testing", "sid", "unstable")
OURS = frozenset({"main", "universe"})  # the components our packages are in, on Debian and on Ubuntu
SCRIPTS = Path("/usr/share/debootstrap/scripts")


@dataclass(frozen=True)
class PackageSource:
    """One package source: mirror, suite (bookworm-security, ...) and components."""

    uri: str
    suite: str
    components: tuple[str, ...]


def tag_of(release: str) -> str:
    """The tag of the base made from `release`."""
    return f"goaltrace/base:bootstrap-{release}"


def ensure_base(
    client: DockerClient, *, release: str | None = None, mirror: str | None = None, no_cache: bool = False
) -> str:
    """The tag of the bootstrap base of `release` (None: the host's), made first if it is not here or with `no_cache`.

    `mirror` is the address of a package mirror; without it the host's own sources serve.
    """
    if release is not None and not re.fullmatch(r"[a-z]{3,20}", release):
        raise GoaltraceError(f"--release {release}: not a release's name; give one such as bookworm, trixie or noble")
    host = os_release(Path("/etc/os-release"))
    release = release or host_codename(host)
    tag = tag_of(release)
    if not no_cache and tag in {tag for image in client.images.list(name="goaltrace/base") for tag in image.tags}:
        return tag
    sources = sources_of(release, mirror, host, Path("/etc/apt"))
    root = _as_root()
    if shutil.which("debootstrap", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        raise GoaltraceError(
            "--base bootstrap: debootstrap is missing; install it with `sudo apt-get install debootstrap`"
        )
    with _root_owned_folder(root) as folder:
        _debootstrap(root, sources, folder)
        _import(client, root, folder, release)
    return tag


def os_release(path: Path) -> dict[str, str]:
    """The fields of an os-release file; none where there is no such file."""
    return parse_os_release(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}


def host_codename(host: dict[str, str]) -> str:
    """The host's release name, e.g. bookworm; a clear line where the host is no Debian or Ubuntu."""
    if host.get("ID") not in ("debian", "ubuntu") or not host.get("VERSION_CODENAME"):
        raise GoaltraceError(
            "--base bootstrap: works on Debian and Ubuntu hosts, whose mirror it reads; "
            "name a release and its mirror (--release trixie --mirror URL), or an image that is here (--base IMAGE)"
        )
    return host["VERSION_CODENAME"]


def sources_of(release: str, mirror: str | None, host: dict[str, str], apt: Path) -> list[PackageSource]:
    """Where `release` comes from: `mirror`, else the host's own sources, with its release's name in their suites."""
    debian = release in DEBIAN
    if mirror is not None:
        components = ("main",) if debian else ("main", "universe")
        suites = [release] if release in ("sid", "unstable") else [release, f"{release}-updates"]
        return [PackageSource(mirror, suite, components) for suite in suites]
    codename = host_codename(host)
    if release != codename and debian != (host.get("ID") == "debian"):
        raise GoaltraceError(
            f"--release {release}: this host's package sources are {host['ID']}'s, which do not hold it; "
            "name a mirror of it with --mirror URL"
        )
    found = host_sources(apt, codename)
    return [replace(source, suite=source.suite.replace(codename, release)) for source in found]


def host_sources(apt: Path, codename: str) -> list[PackageSource]:
    """The host's own sources of its release (base, updates, security), the base suite first."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    found: list[PackageSource] = []
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += _deb822(text) if path.suffix == ".sources" else _one_line(text)
    suites = [codename, f"{codename}-updates", f"{codename}-security"]
    ours = [source for source in found if source.suite in suites and "main" in source.components]
    kept = {source.suite: source for source in reversed(ours)}
    if codename not in kept:
        raise GoaltraceError(f"{apt}: names no package mirror for {codename}; add one, use --mirror, or --base IMAGE")
    return [kept[suite] for suite in suites if suite in kept]


def _deb822(text: str) -> Iterator[PackageSource]:
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {
            key.strip().lower(): value.split()
            for key, colon, value in (line.partition(":") for line in unfolded.splitlines())
            if colon
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        components = tuple(part for part in fields.get("components", []) if part in OURS)
        for uri in fields.get("uris", [])[:1]:
            yield from (PackageSource(uri, suite, components) for suite in fields.get("suites", []))


def _one_line(text: str) -> Iterator[PackageSource]:
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[[^]]*]\s+)?(\S+)\s+(\S+)\s+([^#]+)", line.strip())
        if found:
            uri, suite, components = found.groups()
            yield PackageSource(uri, suite, tuple(part for part in components.split() if part in OURS))


def _as_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode == 0:
        return sudo
    raise GoaltraceError("--base bootstrap: debootstrap needs root; run it as root or log in to sudo first (sudo -v)")


@contextmanager
def _root_owned_folder(root: list[str]) -> Iterator[Path]:
    # /tmp is often mounted nodev, where debootstrap cannot make device files.
    folder = Path(tempfile.mkdtemp(prefix="goaltrace-base-", dir="/var/tmp"))
    try:
        yield folder
    finally:
        # debootstrap mounts /proc and /sys in there; stopped early, it may leave them mounted.
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{folder}/")]):
            subprocess.run([*root, "umount", "--lazy", mount], check=False)
        subprocess.run([*root, "rm", "-rf", "--one-file-system", "--", str(folder)], check=False)


def _debootstrap(root: list[str], sources: list[PackageSource], folder: Path) -> None:
    first = sources[0]
    command = [*root, "/usr/sbin/debootstrap", "--variant=minbase", f"--components={','.join(first.components)}"]
    if any(source.uri.startswith("https:") for source in sources):
        command.append("--include=ca-certificates")
    command += [first.suite, str(folder), first.uri]
    if SCRIPTS.is_dir() and not (SCRIPTS / first.suite).exists():  # a release newer than this host's debootstrap
        command.append(str(SCRIPTS / ("gutsy" if "universe" in first.components else "sid")))
    last = ""
    with StepDisplay("base") as display:
        display.show(f"Step 1/1 : debootstrap {first.suite} {first.uri}")
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    last = line.strip() or last
                    display.show(last)
            except KeyboardInterrupt:
                process.terminate()
                raise
    if process.returncode:
        raise GoaltraceError(f"--base bootstrap: debootstrap failed: {last}; is {first.uri} reachable?")
    listing = "".join(f"deb {s.uri} {s.suite} {' '.join(s.components)}\n" for s in sources)
    target = folder / "etc/apt/sources.list"
    subprocess.run([*root, "tee", str(target)], input=listing, text=True, stdout=subprocess.DEVNULL, check=True)


def _import(client: DockerClient, root: list[str], folder: Path, release: str) -> None:
    from docker.errors import APIError

    started = time.monotonic()
    packages = "./var/cache/apt/archives/*.deb"
    archive = [*root, "tar", "-c", "--numeric-owner", f"--exclude={packages}", "-C", str(folder), "."]
    changes = [f"LABEL goaltrace.kind=base goaltrace.base=debootstrap-{release}", 'CMD ["bash"]']
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            answer = client.api.import_image_from_stream(process.stdout, changes=changes)
        except APIError as error:
            raise GoaltraceError(f"--base bootstrap: Docker refused the image: {error.explanation}") from None
    made = re.findall(r"sha256:[0-9a-f]{64}", answer)
    if process.returncode or not made:
        raise GoaltraceError(f"--base bootstrap: the import failed: {answer.strip() or 'tar failed'}; run it again")
    # Tagged last: an import that was cut short never gets the name that later builds trust.
    client.images.get(made[-1]).tag(*tag_of(release).split(":"))
    print(f"base  imported as {tag_of(release)} in {time.monotonic() - started:.1f} s", file=sys.stderr)
