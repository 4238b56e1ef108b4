"""Reads a command line off a screen: what stands after the prompt, without what shells draw around it."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from collector.terminal.screen import Screen

SGR = r"(?:\x1b(?:\[[0-9;]{0,20}m|\(B)){0,6}+"
"""Colours, set anew at most a few times."""
_HUNG_UP = re.compile(rf"\r\n{SGR}\Z")
"""What fish prints when its terminal closes."""
_ASKED = re.compile(
    r"\A(?:(?:for|while|repeat|select|until|if|then|else|elif|math|cond|cmdor|cmdand|pipe|errpipe|foreach|case|function|"
    r"subsh|cursh|array|quote|dquote|bquote|cmdsubst|mathsubst|heredocd?|brace|braceparam|always) ?)*> "
)
"""A prompt for a further line: of bash, and of zsh, which names what is not ended."""
_GAP = re.compile(r" {3,}[^\n]*\Z")
"""Between a row's left and a prompt's part at its right."""
_RESET, _ERASE_BELOW = "\x1bc", "\x1b[J"


class CommandLine:
    """A screen for reading; `prompt` and `typed` are output, as it came."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._screen = Screen(columns, max(rows, 50))

    def resize(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._screen.resize(columns, max(rows, 50))

    def behind_mark(self, prompt: str, typed: str, right: str = "", *, to_cursor: bool = False) -> str:
        """All rows of the command, where the prompt's end is marked; `right` is the prompt's part at the right.

        `to_cursor`: what stands behind the cursor is a shell's suggestion, or its list of completions.
        """
        stands = self._marked(prompt + _ERASE_BELOW, right)  # readline may draw it anew left of an old line
        typed = _HUNG_UP.sub("", typed) + _ERASE_BELOW if to_cursor else typed
        first, *more = self._marked(prompt + typed, right).removeprefix(stands).strip().split("\n")
        indent = " " * (_width(stands.rpartition("\n")[2]) + 1)  # fish's
        rows = (_ASKED.sub("", row, count=1).removeprefix(indent) for row in more)
        return "\n".join([_left_of(first, right), *rows])

    def right_of(self, prompt: str, typed: str) -> str:
        """The prompt's part at the right, when that is all that came behind its mark."""
        found = _GAP.match(self._marked(prompt + typed, "").removeprefix(self._marked(prompt, "")))
        return found[0].strip() if found else ""

    def in_first_row(self, prompt: str, typed: str) -> str:
        """What was typed in the prompt's row, where no mark is: what stands below may be completions, or a menu."""
        before, shown = self._joined(prompt), self._joined(prompt + typed)
        same = 0
        while same < min(len(before), len(shown)) and before[same] == shown[same]:
            same += 1
        left = _GAP.split(before)[0]
        if left and not shown.startswith(left) and not left[-1].isalnum():  # drawn anew, when it knew more
            return _GAP.split(shown[same:].partition(left[-1] + " ")[2].split("\n")[0])[0].strip()
        right = before[same:].strip().split("\n")[0] if same else ""
        return _left_of(shown[same:].strip().split("\n")[0], right)

    def _rows(self, output: str) -> list[str]:
        self._screen.feed(_RESET + output)
        return self._screen.text().split("\n")

    def _joined(self, output: str) -> str:
        """What a screen shows of `output`; a row that goes on below is put together with the next."""
        rows = self._rows(output)
        return "".join(row if _width(row) >= self._columns else row + "\n" for row in rows).rstrip("\n ")

    def _marked(self, output: str, right: str) -> str:
        """The same, where no row of a menu can be among them: only there a blank may be what fills a row."""
        text = ""
        for row in self._rows(output):
            if right and row.endswith(right):
                text += row + "\n"
            elif _width(row) == self._columns - 1 and row.isascii():
                text += row + " "
            else:
                text += row if _width(row) >= self._columns else row + "\n"
        return text.rstrip("\n ")


def _left_of(typed: str, right: str) -> str:
    """What is typed, without a prompt's part at its right."""
    return re.split(rf" {{3,}}{re.escape(right)}|{re.escape(right)}\Z", typed)[0].rstrip() if right else typed


def _width(row: str) -> int:
    return len(row) if row.isascii() else sum(1 + (east_asian_width(char) in "WF") for char in row)
