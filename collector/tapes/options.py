"""What a tape's settings come to: the shell and its environment, the terminal's size, the speed of typing.

VHS takes settings only at a tape's head (before the first command that is not Set, Output or Require), but
TypingSpeed, Shell and Env everywhere; so does this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

from collector.episodes.tape import Command
from collector.tapes.colors import theme_of

COLUMNS, ROWS = (20, 300), (5, 120)
_DEFAULTS = {
    "Shell": "bash", "FontSize": "22", "Width": "1200", "Height": "600", "Padding": "60", "Margin": "0",
    "MarginFill": "", "LetterSpacing": "1", "LineHeight": "1", "WindowBar": "", "WindowBarSize": "30",
    "TypingSpeed": "0.05", "WaitTimeout": "15", "WaitPattern": ">$", "PlaybackSpeed": "1",
    "Theme": "",
}  # fmt: skip
_NO_EFFECT = {
    "Output": "no file is written where Output says; the session folder holds the recording",
    "Subtitle": "Subtitle is not drawn",
    "Scroll": "ScrollUp and ScrollDown take their time but scroll nothing: a session has no scrollback",
}


@dataclass(frozen=True)
class TapeOptions:
    """The settings as they hold when the tape begins."""

    shell: str
    environment: dict[str, str]
    columns: int
    rows: int
    typing_s: float
    wait_s: float
    wait_pattern: str
    fps: float | None
    """What Framerate says, if anything."""
    theme: dict[str, str] | None = None
    """As a cast's header has it: fg, bg, palette. None: the terminal's own."""
    notes: list[str] = field(default_factory=list)
    """What of the tape has no effect, and why."""


def options_of(commands: Sequence[Command]) -> TapeOptions:
    """The options of a tape's commands."""
    values, notes = dict(_DEFAULTS), list[str]()
    environment: dict[str, str] = {}
    head = True
    for command in commands:
        if command.verb not in ("Set", "Output", "Require"):
            head = False
        if command.verb == "Env":
            environment[command.name] = command.text
        if command.verb == "Set":
            if head or command.name == "Shell":
                values[command.name] = command.text
            elif command.name != "TypingSpeed":
                notes.append(f"{command.at}: Set {command.name} comes too late: left out, as VHS does; put it first")
    notes += [reason for verb, reason in _NO_EFFECT.items() if any(command.verb == verb for command in commands)]
    if float(values["PlaybackSpeed"]) != 1:
        notes.append("PlaybackSpeed is left out: a session keeps its true times")
    theme = theme_of(values["Theme"])
    if theme is None and values["Theme"]:
        notes.append(f"Theme {values['Theme'][:60]} is not known here; the terminal's own colours are used")
    columns, rows, clamped = _size(values)
    return TapeOptions(
        shell=values["Shell"], environment=environment, columns=columns, rows=rows,
        typing_s=float(values["TypingSpeed"]), wait_s=float(values["WaitTimeout"]),
        wait_pattern=values["WaitPattern"], theme=theme, notes=notes + clamped,
        fps=float(values["Framerate"]) if "Framerate" in values else None,
    )  # fmt: skip


def _size(values: dict[str, str]) -> tuple[int, int, list[str]]:
    """Columns and rows that fit as VHS's terminal fits them, and a note if that is more or less than we take.

    A character of VHS's default font (JetBrains Mono) is 0.6 of its size wide and 1.32 high; the browser rounds
    the cell to whole px. VHS draws no margin without MarginFill.
    """
    size = int(values["FontSize"])
    cell_width = max(1, floor(0.6 * size + 1e-9) + round(float(values["LetterSpacing"])))
    cell_height = max(1, floor(-(-132 * size // 100) * float(values["LineHeight"])))
    around = 2 * int(values["Padding"]) + (2 * int(values["Margin"]) if values["MarginFill"] else 0)
    bar = int(values["WindowBarSize"]) if values["WindowBar"] else 0
    fitting = (
        (int(values["Width"]) - around) // cell_width,
        (int(values["Height"]) - around - bar) // cell_height,
    )
    columns = min(max(fitting[0], COLUMNS[0]), COLUMNS[1])
    rows = min(max(fitting[1], ROWS[0]), ROWS[1])
    if (columns, rows) == fitting:
        return columns, rows, []
    return columns, rows, [f"the settings make {fitting[0]} x {fitting[1]} cells; {columns} x {rows} are used"]


def least_seconds(commands: Sequence[Command]) -> float:
    """How long Sleep and typing take together, whatever the commands typed do."""
    typing_s = options_of(commands).typing_s
    total = 0.0
    for command in commands:
        if command.verb == "Set" and command.name == "TypingSpeed":
            typing_s = float(command.text)
        each = typing_s if command.seconds is None else command.seconds
        if command.verb == "Sleep":
            total += command.seconds or 0
        elif command.verb == "Type":
            total += each * len(command.text)
        elif command.verb in ("Key", "Scroll") and "+" not in command.text:
            total += each * command.times
    return total
