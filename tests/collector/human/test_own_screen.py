"""A person who records their own screen is asked first, and what cannot be recorded is refused at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from collector.human.screens import belongs_to_wayland
from goaltrace import main
from tests.collector.own_terminal import Terminal

GOAL = "Write a letter to the landlord"


@pytest.mark.needs("xvfb")
@pytest.mark.parametrize("answer", ["no\n", "\n", "y\n", "\x04", "\x03"])
def test_without_consent_nothing_is_written(xserver: str, tmp_path: Path, answer: str) -> None:
    with closing(Terminal("--display", xserver, "--goal", GOAL, "--out", str(tmp_path / "out"))) as terminal:
        terminal.wait_for("anything else ends here")
        terminal.type(answer)
        assert terminal.wait() == 2
    assert "nothing was recorded" in terminal.shown
    assert not (tmp_path / "out").exists()


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line with which the command refuses, run without a terminal."""

    def line(*arguments: str, **environment: str) -> str:
        for name in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with open(os.devnull, encoding="utf-8") as nobody:
            monkeypatch.setattr("sys.stdin", nobody)
            status = main(["record", *arguments])
        said = capsys.readouterr().err
        assert (status, said.count("\n")) == (2, 1), said
        return said

    return line


@pytest.mark.needs("xvfb")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--goal", GOAL], "run this in a terminal"),
        (["--goal", GOAL, "--agent", "scripted"], "--agent human"),
        ([], "what are you going to do"),
        (["--goal", GOAL, "desktop-editor-note"], "what are you going to do"),
        (["--goal", "x"], "--goal: say in 5 to 1000"),
        (["terminal-vim-shopping-list"], "is a terminal's"),
        (["--goal", GOAL, "--episodes", "2"], "leave them out"),
        (["--goal", GOAL, "--hotkey", "p"], "--hotkey p"),
        (["--goal", GOAL, "--consent-id", "Ann Smith"], "--consent-id Ann Smith"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    refused: Callable[..., str], xserver: str, tmp_path: Path, arguments: list[str], says: str
) -> None:
    line = refused("--agent", "human", "--display", xserver, "--out", str(tmp_path / "out"), *arguments)
    assert says in line
    assert not (tmp_path / "out").exists()


def test_a_display_that_is_not_there_is_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    line = refused("--agent", "human", "--display", ":7654", "--goal", GOAL, "--out", str(tmp_path))
    assert "--display :7654: cannot be opened" in line


@pytest.mark.parametrize("display", ["", ":7654"])
def test_a_wayland_session_is_refused_with_the_reason_and_the_mend(
    refused: Callable[..., str], tmp_path: Path, display: str
) -> None:
    line = refused(
        "--agent", "human", "--env", "display", "--goal", GOAL, "--out", str(tmp_path),
        DISPLAY=display, WAYLAND_DISPLAY="wayland-0",
    )  # fmt: skip
    assert re.search("Wayland.*shows no program the pixels or keys.*X11 session.*container", line)


@pytest.mark.needs("xvfb")
def test_an_x_server_beside_a_wayland_session_is_not_taken_for_it(
    refused: Callable[..., str], xserver: str, tmp_path: Path
) -> None:
    wayland = {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"}
    line = refused("--agent", "human", "--display", xserver, "--goal", GOAL, "--out", str(tmp_path), **wayland)
    assert "run this in a terminal" in line, "got as far as asking for consent"


def test_xwayland_is_known_by_its_extension_its_devices_or_its_monitors() -> None:
    assert belongs_to_wayland(["RECORD", "XWAYLAND"], ["eDP-1"])
    assert belongs_to_wayland(["RECORD"], ["Virtual core pointer", "xwayland-pointer:14"])
    assert belongs_to_wayland(["RECORD"], ["Virtual core pointer", "XWAYLAND0"])
    assert not belongs_to_wayland(["RECORD", "XTEST"], ["Virtual core pointer", "Xvfb mouse", "screen"])


@pytest.mark.needs("xvfb")
def test_a_task_shows_its_goal_and_leaves_its_set_up_in_the_container(
    xserver: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["record", "desktop-editor-note", "--agent", "human", "--display", xserver, "--dry-run"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    assert re.match(r"desktop-editor-note-human-0000-p-[0-9a-f]{8}: \w+", capsys.readouterr().out)
    assert not (tmp_path / "out").exists()


def test_nothing_of_x_is_needed_where_there_is_none() -> None:
    """Windows and macOS have no python-xlib: what a person's recording consists of there loads without it."""
    names = "desktop.callback_input", "runner.person", "human.mark_tk", "human.own_screen", "runner.__main__"
    parts = [f"collector.{name}" for name in names]
    script = f"import sys, importlib; sys.modules['Xlib'] = None; [importlib.import_module(m) for m in {parts}]"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
