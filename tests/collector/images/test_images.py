"""What must hold of the images without building one: contexts, fingerprints, sources, and errors that help."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.containers import engine
from collector.images import bootstrap, build, context
from manifests.errors import GoaltraceError

DOCKER = context.docker_folder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of docker/ that a test may change."""
    return Path(shutil.copytree(DOCKER, tmp_path / "docker"))


@pytest.mark.parametrize("kind", context.KINDS)
def test_digest_changes_with_every_file_that_goes_in(kind: str, folder: Path) -> None:
    digests = {context.context_digest(kind, folder)}
    names = context.context_files(kind, folder)
    assert len(names) >= 3
    for name, path in names.items():
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        digests.add(context.context_digest(kind, folder))
        path.write_bytes(content)
        assert len(digests) > 1, name
    assert len(digests) == len(names) + 1


def test_digest_ignores_the_other_kind(folder: Path) -> None:
    before = context.context_digest("terminal", folder)
    (folder / "desktop" / "session.sh").write_text("changed", encoding="utf-8")
    assert context.context_digest("terminal", folder) == before


@pytest.mark.parametrize("kind", context.KINDS)
def test_context_is_the_same_bytes_on_every_checkout(kind: str, folder: Path) -> None:
    here = context.context_tar(kind, DOCKER).getvalue()
    for path in folder.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        if path.is_file():
            path.chmod(0o600)
    assert context.context_tar(kind, folder).getvalue() == here


def test_ca_bundle_is_in_the_context_only_when_given() -> None:
    def names(ca_bundle: bytes | None) -> list[str]:
        with tarfile.open(fileobj=context.context_tar("terminal", DOCKER, ca_bundle)) as tar:
            return tar.getnames()

    assert "ca-bundle.pem" not in names(None)
    assert "ca-bundle.pem" in names(b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("kind", context.KINDS)
def test_final_stage_never_meets_the_ca_bundle_or_pip_settings(kind: str) -> None:
    text = (DOCKER / f"{kind}.Dockerfile").read_text(encoding="utf-8")
    build_stage, final_stage = text.rsplit("FROM ${BASE_IMAGE}", 1)
    assert "ca-bundle.pem" in build_stage
    assert "PIP_INDEX_URL" in build_stage
    for private in ("ca-bundle", "PIP_", "COPY . "):
        assert private not in final_stage


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("hello", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n", "private key"),
    ],
)
def test_bad_ca_file_is_one_line_with_its_name(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(GoaltraceError, match=complaint) as caught:
        context.read_ca_bundle(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hosts_own_bundle_is_used_only_when_it_is_a_file(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert context.host_ca_cert({}) is None
    assert context.host_ca_cert({"PIP_CERT": str(tmp_path / "gone"), "SSL_CERT_FILE": str(bundle)}) == bundle


def test_dockerfiles_are_found_in_an_installed_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "collector"
    shutil.copytree(DOCKER, package / "_docker")
    monkeypatch.setattr(context, "__file__", str(package / "images" / "context.py"))
    assert context.docker_folder() == package / "_docker"
    shutil.rmtree(package / "_docker")
    with pytest.raises(GoaltraceError, match="install goaltrace again"):
        context.docker_folder()


@pytest.mark.parametrize("kind", context.KINDS)
def test_pins_are_exact_and_equal_to_the_ones_tested_with(kind: str) -> None:
    lines = (DOCKER / f"requirements-{kind}.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    for pin in pins:
        name, separator, version = pin.partition("==")
        assert separator, f"{pin} is not an exact pin"
        assert metadata.version(name) == version


def test_every_panel_launcher_has_its_file_and_every_setting_is_xml() -> None:
    for path in (DOCKER / "desktop" / "xfconf").glob("*.xml"):
        assert ElementTree.parse(path).getroot().get("name") == path.stem
    panel = ElementTree.parse(DOCKER / "desktop" / "xfconf" / "xfce4-panel.xml")
    shown = [
        (f"launcher-{node.attrib['name'].removeprefix('plugin-')}", value.attrib["value"])
        for node in panel.iter("property")
        if node.get("value") == "launcher"
        for value in node.iter("value")
    ]
    assert len(shown) == 6
    for launcher_folder, name in shown:
        assert (DOCKER / "desktop" / "launchers" / launcher_folder / name).is_file()


def test_only_proxies_and_package_indexes_are_forwarded() -> None:
    host = {"https_proxy": "http://proxy:1", "PIP_INDEX_URL": "https://index/simple", "HOME": "/root", "HF_TOKEN": "x"}
    assert build.forwarded_settings(host) == {"https_proxy": "http://proxy:1", "PIP_INDEX_URL": "https://index/simple"}


@pytest.mark.parametrize(
    ("error", "last", "mend"),
    [
        ("pull access denied for nosuch/image", "", "--base bootstrap"),
        ("dial tcp: lookup registry: no such host", "", "--base bootstrap"),
        ("returned a non-zero code: 100", "E: Unable to locate package nosuch", "Unable to locate package nosuch"),
    ],
)
def test_build_failure_is_one_line_with_its_reason(error: str, last: str, mend: str) -> None:
    message = build._failure("desktop", "nosuch/image", error, last, Path("/var/log/build.log"))
    assert mend in message
    assert "\n" not in message


def test_what_a_build_says_on_stderr_is_whole_lines() -> None:
    pieces = ["\x1b[91mE:\x1b[0m", "\x1b[91m \x1b[0m", "\x1b[91mno route\x1b[0m\n", "Step 2/3 : RUN x\n", "the end"]
    events = [*({"stream": piece} for piece in pieces), {"error": "exit code 100"}]
    assert [line for line, _ in build._lines(iter(events))] == [
        "E: no route",
        "Step 2/3 : RUN x",
        "exit code 100",
        "the end",
    ]


DEB822 = """\
Types: deb
# a comment in the middle
URIs: http://mirror/debian
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb deb-src
URIs: http://mirror/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://elsewhere/tool
Suites: bookworm
Components: stable

Enabled: no
Types: deb
URIs: http://off/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """\
# deb http://commented/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror/debian bookworm main contrib # a note
deb http://mirror/debian bookworm-updates main
deb http://mirror/debian-security bookworm-security main
deb-src http://mirror/debian bookworm main
deb http://elsewhere/tool stable main
"""


@pytest.mark.parametrize(("name", "text"), [("debian.sources", DEB822), ("debian.list", ONE_LINE)])
def test_hosts_mirror_is_read_in_both_formats(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / name).write_text(text, encoding="utf-8")
    assert bootstrap.host_sources(tmp_path, "bookworm") == [
        bootstrap.PackageSource("http://mirror/debian", "bookworm", ("main",)),
        bootstrap.PackageSource("http://mirror/debian", "bookworm-updates", ("main",)),
        bootstrap.PackageSource("http://mirror/debian-security", "bookworm-security", ("main",)),
    ]


def test_host_without_a_mirror_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="--base IMAGE"):
        bootstrap.host_sources(tmp_path, "bookworm")


@given(st.text(alphabet=st.sampled_from("deb :#\n\t[]ab-=/")))
def test_odd_source_files_never_break_the_reader(text: str) -> None:
    for source in [*bootstrap._deb822(text), *bootstrap._one_line(text)]:
        assert source.suite


@pytest.mark.parametrize(
    ("content", "good"), [("ID=debian\nVERSION_CODENAME=bookworm\n", True), ("ID=fedora\n", False)]
)
def test_bootstrap_says_where_it_works(tmp_path: Path, content: str, good: bool) -> None:
    path = tmp_path / "os-release"
    path.write_text(content, encoding="utf-8")
    if good:
        assert bootstrap.host_codename(bootstrap.os_release(path)) == "bookworm"
    else:
        with pytest.raises(GoaltraceError, match="Debian and Ubuntu"):
            bootstrap.host_codename(bootstrap.os_release(path))


def test_dead_engine_is_one_line_with_the_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(GoaltraceError, match="start the engine") as caught:
        engine.connect()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "installed", "mend"),
    [
        (PermissionError(13, "Permission denied"), True, "usermod -aG docker"),
        (FileNotFoundError(2, "No such file or directory"), True, "systemctl start docker"),
        (FileNotFoundError(2, "No such file or directory"), False, "apt-get install docker.io"),
    ],
)
def test_each_way_docker_is_unusable_has_its_own_mend(
    monkeypatch: pytest.MonkeyPatch, error: OSError, installed: bool, mend: str
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/usr/bin/{name}" if installed else None)
    assert mend in engine._why(error)


def test_labels_hold_no_time_so_a_second_build_can_be_a_cache_hit() -> None:
    first = build.labels_of("desktop", DOCKER, "ubuntu:24.04")
    assert first == build.labels_of("desktop", DOCKER, "ubuntu:24.04")
    assert json.dumps(first).count("ubuntu:24.04") == 2
    assert first["goaltrace.context"] == context.context_digest("desktop", DOCKER)
