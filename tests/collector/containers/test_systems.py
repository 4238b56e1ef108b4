"""What must hold on a release that nobody here has seen: names are ours, what is new is reported with its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.agents.desktop import names
from collector.containers import confined, system
from collector.containers.system import System
from collector.images import bootstrap, context
from manifests.errors import GoaltraceError
from manifests.programs import PROGRAMS
from manifests.task import Target, builtin_tasks, load_task
from manifests.vocabulary import FORMER_ROLES, ROLES, program_named, role_named

TRIXIE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n'
RESOLUTE = 'NAME="Ubuntu"\nVERSION_ID="26.04"\nID=ubuntu\nVERSION_CODENAME=resolute\n'
# Versions: packages.ubuntu.com, read in November 2026.
RESOLUTE_PACKAGES = (
    "tigervnc-standalone-server 1.15.0+dfsg-2build1\nat-spi2-core 2.60.0-1\nxfce4-panel 4.20.7-1\nthunar 4.20.7-1\n"
    "mousepad 0.7.0-1\ngalculator 2.1.4-2.1\npython3 3.14.3-0ubuntu2\n"
)


def test_every_word_for_a_role_is_known_to_the_eyes_and_no_other() -> None:
    assert set(names.ROLE_NUMBERS) == set(ROLES)
    for program in PROGRAMS.values():
        assert all(names.is_program(said, program.word) for said in program.names), "as `is_program` reads them"
    first = [numbers[0] for numbers in names.ROLE_NUMBERS.values()]
    assert len(set(first)) == len(first), "a number has one word of its own"
    assert set(FORMER_ROLES.values()) <= set(ROLES)


@pytest.mark.parametrize("former", FORMER_ROLES)
def test_tasks_written_with_a_releases_own_word_still_run(former: str) -> None:
    assert Target(role=former, name="Files").role == FORMER_ROLES[former]
    assert role_named(former.upper().replace(" ", "-")) == FORMER_ROLES[former]


def test_unknown_word_in_a_task_is_one_line_with_the_nearest(tmp_path: Path) -> None:
    task = tmp_path / "t.yaml"
    text = builtin_tasks()["desktop-editor-note"].read_text()
    task.write_text(text.replace("role: button", "role: buton", 1))
    with pytest.raises(
        GoaltraceError, match=r"script\.0\.click\.role: 'buton' is no role; nearest: 'button'"
    ) as caught:
        load_task(task)
    assert "\n" not in str(caught.value)
    task.write_text(text.replace("program: editor", "program: Mousepad", 1))
    with pytest.raises(GoaltraceError, match="one of: browser, calculator, editor"):
        load_task(task)


def test_no_task_of_ours_names_what_only_one_release_says() -> None:
    for path in builtin_tasks().values():
        assert not re.search(r"push button|directory pane|Mousepad|Thunar|Chromium", path.read_text()), path


@given(st.text())
def test_any_word_is_a_role_or_a_value_error(word: str) -> None:
    try:
        assert role_named(word) in ROLES
    except ValueError as error:
        assert "nearest" in str(error)
    with pytest.raises(ValueError, match="one of"):
        program_named(word + "!")


@pytest.mark.parametrize(
    ("said", "wanted", "how"),
    [
        ("Create Folder…", "Create Folder...", "exact"),
        ("SAVE  as", "Save As", "exact"),
        ("Pictures - Thunar", "Pictures", "loose"),
        ("Start page - Google Chrome for Testing", "start page", "loose"),
        ("Files", "Filez", None),
        (None, "Files", None),
    ],
)
def test_a_label_is_the_same_however_a_release_writes_it(said: str | None, wanted: str, how: str | None) -> None:
    assert names.is_named(said, wanted) == how


@pytest.mark.parametrize(
    ("said", "word"),
    [("Thunar", "files"), ("thunar", "files"), ("xfce4-terminal", "terminal"), ("Mousepad", "editor"),
     ("Chromium", "browser"), ("Google Chrome for Testing", "browser"), ("google-chrome-for-testing", "browser")],
)  # fmt: skip
def test_a_program_is_known_by_what_it_is_for(said: str, word: str) -> None:
    assert names.is_program(said, word)
    assert not any(names.is_program(said, other) for other in PROGRAMS if other != word)
    assert not names.is_program("xfce4-panel", word)


def test_a_version_that_nobody_tried_is_told_with_its_number() -> None:
    found = System.of("desktop", RESOLUTE, RESOLUTE_PACKAGES)
    assert (found.name, found.title) == ("ubuntu-26.04", "Ubuntu 26.04")
    untried = found.untried("desktop")
    assert "AT-SPI 2.60.0 (tried: 2.46, 2.56)" in untried
    assert "Python 3.14.3 (tried: 3.11, 3.13)" in untried
    assert not any(phrase.startswith(("TigerVNC", "XFCE", "Thunar")) for phrase in untried), "these were tried"


def test_versions_are_counted_as_their_authors_do() -> None:
    assert system.upstream("1:2.47.3-0+deb13u1") == "2.47.3"
    assert system.upstream("2:9.1.1230-2+deb13u2") == "9.1.1230"
    assert system.upstream("3.24.38-2~deb12u3") == "3.24.38"
    assert system.upstream("1.15.0+dfsg-2build1") == "1.15.0"
    assert system.upstream("unknown") == "unknown"


@given(st.text(), st.text())
def test_odd_files_of_an_image_name_a_system_all_the_same(os_release: str, versions: str) -> None:
    for kind in context.KINDS:
        found = System.of(kind, os_release, versions)
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,60}", found.name)
        assert confined.image_of(kind, found.name) == f"goaltrace/{kind}:{found.name}"


def test_the_image_asked_for_is_the_one_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOALTRACE_SYSTEM", raising=False)
    assert confined.image_of("desktop") == "goaltrace/desktop:latest"
    monkeypatch.setenv("GOALTRACE_SYSTEM", "debian-13")
    assert confined.image_of("desktop") == "goaltrace/desktop:debian-13"
    assert confined.image_of("desktop", "debian-12") == "goaltrace/desktop:debian-12"
    with pytest.raises(GoaltraceError, match="--system"):
        confined.image_of("desktop", "Debian 13; rm -rf /")


HOST = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
SOURCES = "deb http://mirror/debian bookworm main\ndeb http://mirror/security bookworm-security main\n"


def test_another_release_comes_from_this_hosts_mirror(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(SOURCES)
    assert bootstrap.sources_of("trixie", None, HOST, tmp_path) == [
        bootstrap.PackageSource("http://mirror/debian", "trixie", ("main",)),
        bootstrap.PackageSource("http://mirror/security", "trixie-security", ("main",)),
    ]


def test_a_release_that_the_host_cannot_have_asks_for_a_mirror(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(SOURCES)
    with pytest.raises(GoaltraceError, match="--mirror URL"):
        bootstrap.sources_of("noble", None, HOST, tmp_path)
    found = bootstrap.sources_of("noble", "http://m/ubuntu", {"ID": "fedora"}, tmp_path)
    assert found[0] == bootstrap.PackageSource("http://m/ubuntu", "noble", ("main", "universe"))
    assert bootstrap.sources_of("sid", "http://m/debian", HOST, tmp_path) == [
        bootstrap.PackageSource("http://m/debian", "sid", ("main",))
    ]


@pytest.mark.parametrize("release", ["Trixie", "tri xie", "../trixie", "-x", "13"])
def test_a_release_is_a_plain_word(release: str) -> None:
    with pytest.raises(GoaltraceError, match="--release"):
        bootstrap.ensure_base(None, release=release)  # type: ignore[arg-type]


def test_every_program_that_tasks_have_a_word_for_is_in_the_image() -> None:
    dockerfile = (context.docker_folder() / "desktop.Dockerfile").read_text()
    for program in PROGRAMS.values():
        assert any(re.search(rf"[ \n]{re.escape(package)}[ ;]", dockerfile) for package in program.packages), program
