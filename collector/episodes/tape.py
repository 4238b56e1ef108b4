"""A tape as data: its commands, the keywords of VHS, and the settings with their kinds of value.

The language: https://github.com/charmbracelet/vhs (README and `vhs manual`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from manifests.errors import GoaltraceError

Verb = Literal[
    "Type", "Key", "Scroll", "Sleep", "Wait", "Set", "Env", "Require", "Hide", "Show", "Copy", "Paste", "Screenshot",
    "Output", "Source", "Subtitle",
]  # fmt: skip

KEYS = {
    "Backspace": "BackSpace", "Delete": "Delete", "Insert": "Insert", "Enter": "Return", "Escape": "Escape",
    "Tab": "Tab", "Space": "space", "Up": "Up", "Down": "Down", "Left": "Left", "Right": "Right",
    "PageUp": "Page_Up", "PageDown": "Page_Down", "Home": "Home", "End": "End",
}  # fmt: skip
"""A tape's names of keys, and ours."""

ValueKind = Literal["int", "float", "percent", "time", "pattern", "bool", "theme", "color", "bar", "text"]
SETTINGS: dict[str, ValueKind] = {
    "Shell": "text", "FontFamily": "text", "FontSize": "int", "Framerate": "int", "PlaybackSpeed": "float",
    "Height": "int", "Width": "int", "LetterSpacing": "float", "LineHeight": "float", "TypingSpeed": "time",
    "Padding": "int", "Theme": "theme", "LoopOffset": "percent", "MarginFill": "color", "Margin": "int",
    "WindowBar": "bar", "WindowBarSize": "int", "BorderRadius": "int", "CursorBlink": "bool", "WaitTimeout": "time",
    "WaitPattern": "pattern", "SubtitleFontSize": "int", "SubtitleFontFamily": "text", "SubtitleColor": "text",
    "SubtitleBackground": "text", "SubtitlePosition": "text", "SubtitlePadding": "int", "SubtitleBorderRadius": "int",
}  # fmt: skip
BARS = ("", "Colorful", "ColorfulRight", "Rings", "RingsRight")
SHELLS = ("bash", "zsh", "fish")

KEYWORDS = frozenset(SETTINGS) | (frozenset(KEYS) - {"Home"}) | frozenset(
    "em px ms s m true false Set Sleep Type Ctrl Alt Shift ScrollUp ScrollDown Hide Show Require Output Wait Source "
    "Screenshot Copy Paste Env Subtitle".split()
)  # fmt: skip
"""Words that are not text. `Home` is one only where a line begins: VHS does not know it, and elsewhere it is text."""


COMMANDS = (
    "Type", "Sleep", "Wait", "Set", "Env", "Require", "Hide", "Show", "Copy", "Paste", "Screenshot", "Output", "Source",
    "Subtitle", "Ctrl", "Alt", "Shift", "ScrollUp", "ScrollDown", *KEYS,
)  # fmt: skip
"""The words with which a command begins."""


class TapeError(GoaltraceError):
    """A tape that cannot be run: "FILE:LINE:COLUMN: what; the mend"."""


class NothingToRun(TapeError):
    """A tape that shows nothing by itself: settings or a hidden start, made to be read by others with Source."""


class Command(BaseModel):
    """One command; which fields mean something depends on `verb`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: Verb
    at: str
    """FILE:LINE:COLUMN, the file relative to the tape's folder."""
    text: str = ""
    """Type, Copy, Subtitle: the text; Key: the key's name of ours; Set, Env: the value; Wait: the pattern, if
    `name` ends in "/"; Require: the program; Screenshot, Output, Source: the path; Scroll: Up or Down."""
    name: str = ""
    """Set, Env: of what; Wait: "Line" or "Screen", with "/" after it when a pattern is given."""
    seconds: float | None = None
    """Sleep: how long; Type, Key, Scroll: between keys; Wait: at most. None: as set."""
    times: int = 1

    @property
    def acts(self) -> bool:
        """Whether it does something that a recording shows."""
        return self.verb in ("Type", "Key", "Scroll", "Sleep", "Wait", "Paste")


class Tape(BaseModel):
    """A whole tape: what Source names is in its place already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The file's name."""
    goal: str
    commands: list[Command]
    notes: list[str] = []
    """Where this tape may not do what its author meant, and what of it has no effect here."""
