"""The programs of the desktop image, one entry each: tasks, agents, the images' versions and check read them here.

A further one is an entry, its package in docker/desktop.Dockerfile and a task (docs/extending.md).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DesktopProgram:
    """A program, by what it is for."""

    word: str
    """What tasks call it, on every release: `program: editor`."""
    title: str
    """Its own name, under which its version is reported."""
    command: str
    """What starts it."""
    packages: tuple[str, ...]
    """The packages that bring it, under the names that releases have for it."""
    names: tuple[str, ...]
    """What it calls itself on the accessibility bus: lower case, with a space for each `-` and `_`."""
    tried: tuple[str, ...] = ()
    """Versions (major.minor) that it was tried with; none where every release has the newest one."""


_ENTRIES = (
    DesktopProgram(
        "browser",
        title="Chromium",
        command="chromium",
        packages=("chromium",),
        names=("chromium", "google chrome", "google chrome for testing", "chrome", "chromium browser"),
    ),
    DesktopProgram(
        "calculator",
        title="galculator",
        command="galculator",
        packages=("galculator",),
        names=("galculator",),
        tried=("2.1",),
    ),
    DesktopProgram(
        "editor",
        title="Mousepad",
        command="mousepad",
        packages=("mousepad",),
        names=("mousepad", "org.xfce.mousepad"),
        tried=("0.5", "0.6"),
    ),
    DesktopProgram(
        "files",
        title="Thunar",
        command="thunar",
        packages=("thunar",),
        names=("thunar", "org.xfce.thunar"),
        tried=("4.18", "4.20"),
    ),
    DesktopProgram(
        "terminal",
        title="Xfce Terminal",
        command="xfce4-terminal",
        packages=("xfce4-terminal",),
        names=("xfce4 terminal", "org.xfce.terminal"),
        tried=("1.0", "1.1"),
    ),
    DesktopProgram(
        "viewer",
        title="Ristretto",
        command="ristretto",
        packages=("ristretto",),
        names=("ristretto", "org.xfce.ristretto"),
        tried=("0.12", "0.13"),
    ),
)

PROGRAMS: dict[str, DesktopProgram] = {program.word: program for program in _ENTRIES}
