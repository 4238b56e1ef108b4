"""Replaces the output that a tape hid, when it shows something again: the recording gets the screen as it is then.

The output of the meantime goes into the cast with blanks for its letters, so that cursor, colours, modes and scrolling
are right; then what stands on the screen is written over the blanks. What was typed stays blank: at a shell's prompt it
is found by the shell's own marks, elsewhere by its letters.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable

from collector.tapes.screen import TOKEN, TextScreen, width_of

_MARK = re.compile(r"133;[ABC]|133;D(?:;\d{1,3})?")
_PEN_LIMIT = 200
_LEAST_TYPED = 3


class _Cell(str):
    """A character with the colours that it was written in."""

    __slots__ = ("pen", "typed")
    pen: str
    typed: bool


class _ColouredScreen(TextScreen):
    """A screen whose cells know their colours, and whether they were typed in a command line."""

    def _reset(self) -> None:
        self.pen, self.at_prompt = "", False
        super()._reset()

    @property
    def cells(self) -> list[list[str]]:
        return self._cells

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 1."""
        return self._x + 1, self._y + 1

    def _cell(self, char: str) -> str:
        cell = _Cell(char)
        cell.pen, cell.typed = self.pen, self.at_prompt
        return cell

    def _csi(self, final: str, text: str) -> None:
        if final == "m" and text[:1] not in ("<", "=", ">", "?"):
            begins = text.split(";", maxsplit=1)[0].strip("0") == ""
            self.pen = "" if begins and ";" not in text else (self.pen + f"\x1b[{text}m")[-_PEN_LIMIT:]
            self.pen = self.pen[self.pen.find("\x1b") :] if self.pen else ""
        super()._csi(final, text)

    def _string(self, text: str) -> None:
        if _MARK.match(text):
            self.at_prompt = text[4] == "B" or (self.at_prompt and text[4] not in "ACD")
        super()._string(text)


class HiddenOutput:
    """Follows all output of a shell, hidden or not; use it from one thread at a time."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = _ColouredScreen(columns, rows)
        self._rest = ""
        """The beginning of a sequence that was not over when something was shown again."""

    def filter_output(self, text: str) -> str:
        """Take in output that is not hidden; what is to be recorded of it, most often all."""
        if self._rest:
            text, self._rest = self._rest + text, ""
            match = TOKEN.match(text)
            if match is None and len(text) < 4096:
                self._rest = text
                return ""
            end = match.end() if match else len(text)
            text = _blank(text[:end])[0] + text[end:]
        self._screen.add_output(text)
        return text

    def replacement(self, held: str, typed: Iterable[str]) -> str:
        """What to record in place of the output `held`, during which `typed` was typed."""
        self._screen.catch_up()
        as_recorded = copy.deepcopy(self._screen)
        blanked, self._rest = _blank(held)
        whole = held[: len(held) - len(self._rest)]
        for screen, text in ((self._screen, whole), (as_recorded, blanked)):
            screen.add_output(text)
            screen.catch_up()
        return blanked + _painted(as_recorded, self._screen, _standing(self._screen, typed))


def _blank(text: str) -> tuple[str, str]:
    """Output with blanks for its letters and without titles and the like, and its end if that is half a sequence."""
    made: list[str] = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            if len(text) - position < 4096:
                return "".join(made), text[position:]
            position += 1
            continue
        position = match.end()
        if match["text"]:
            made.append(" " * sum(map(width_of, match["text"])))
        elif match["string"] is None or _MARK.fullmatch(match["string"]):
            made.append(match[0])
    return "".join(made), ""


def _standing(screen: _ColouredScreen, typed: Iterable[str]) -> set[tuple[int, int]]:
    """Where on the screen stands what was typed, from one row into the next as well."""
    places = [(x, y) for y, row in enumerate(screen.cells) for x, cell in enumerate(row) if cell]
    text = "".join(screen.cells[y][x][0] for x, y in places)
    found: set[tuple[int, int]] = set()
    for words in {words.strip() for words in typed}:
        if len(words) >= _LEAST_TYPED:
            for match in re.finditer(re.escape(words), text):
                found.update(places[match.start() : match.end()])
    return found


def _painted(before: _ColouredScreen, after: _ColouredScreen, hidden: set[tuple[int, int]]) -> str:
    """What makes the screen `before` look like `after`, but for `hidden` and what was typed at a prompt."""
    made: list[str] = []
    for y, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        next_x, last_pen = -1, ""
        for x, cell in enumerate(new):
            if not cell or cell == old[x] or (x, y) in hidden or (isinstance(cell, _Cell) and cell.typed):
                continue
            pen = cell.pen if isinstance(cell, _Cell) else ""
            place = "" if x == next_x else f"\x1b[{y + 1};{x + 1}H"
            colours = "" if x == next_x and pen == last_pen else f"\x1b[0m{pen}"
            made.append(f"{place}{colours}{cell}")
            next_x, last_pen = x + width_of(cell), pen
    if not made:
        return ""
    x, y = after.cursor
    return "".join(made) + f"\x1b[0m{after.pen}\x1b[{y};{x}H"
