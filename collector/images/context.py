"""What goes into an image: finding the Dockerfiles, fingerprinting them and packing a build context."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from manifests.errors import GoaltraceError

KINDS = ("desktop", "terminal")


def docker_folder() -> Path:
    """The folder of Dockerfiles: `docker/` of a checkout, or its copy inside an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_docker", package.parent / "docker"):
        if (folder / "desktop.Dockerfile").is_file():
            return folder
    raise GoaltraceError(f"{package}: the Dockerfiles are missing; install goaltrace again")


def context_files(kind: str, folder: Path) -> dict[str, Path]:
    """Name in the build context -> file, for one kind, in a fixed order."""
    names = [f"{kind}.Dockerfile", f"requirements-{kind}.txt"]
    names += [path.relative_to(folder).as_posix() for path in (folder / kind).rglob("*") if path.is_file()]
    return {name: folder / name for name in sorted(names)}


def context_digest(kind: str, folder: Path) -> str:
    """SHA-256 over names and bytes of everything that makes the image, the base and the CA bundle apart."""
    digest = hashlib.sha256()
    for name, path in context_files(kind, folder).items():
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def context_tar(kind: str, folder: Path, ca_bundle: bytes | None = None) -> io.BytesIO:
    """A build context with modes and owners of our own, so that the cache hits on every checkout alike."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, path in context_files(kind, folder).items():
            _add(tar, name, path.read_bytes())
        if ca_bundle:
            _add(tar, "ca-bundle.pem", ca_bundle)
    packed.seek(0)
    return packed


def host_ca_cert(environment: Mapping[str, str]) -> Path | None:
    """The CA bundle that this host's own tools are set to use, so that the build's pip trusts the same."""
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if environment.get(name) and Path(environment[name]).is_file():
            return Path(environment[name])
    return None


def read_ca_bundle(path: Path) -> bytes:
    """The bytes of a PEM bundle; one clear line when it is not one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GoaltraceError(f"--ca-cert {path}: cannot be read ({error.strerror})") from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise GoaltraceError(f"--ca-cert {path}: holds no certificate; give a bundle in PEM form")
    if b"PRIVATE KEY-----" in content:
        raise GoaltraceError(f"--ca-cert {path}: holds a private key; give certificates only")
    return content


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o755 if name.endswith(".sh") else 0o644
    tar.addfile(entry, io.BytesIO(content))
