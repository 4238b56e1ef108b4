"""The characters on a terminal's screen, for Wait. No colours, no scrollback: the recorder in the container has no
VT core (frames are drawn on the host, by libghostty); this follows what moves, writes and erases characters."""

from __future__ import annotations

import re
import unicodedata
from collections import deque

TOKEN = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<csi>[@-~])"
    r"|\x1b[]PX^_](?P<string>(?:[^\x07\x1b]|\x1b(?!\\))*?)(?:\x07|\x1b\\)"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b(?P<esc>[0-Z\\^-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_PENDING_LIMIT = 4096
_UNREAD_LIMIT = 2**18


class TextScreen:
    """Takes in output in one thread (`add_output`), reads it in another (`lines`)."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._unread: deque[str] = deque()
        self._unread_length = 0
        self._pending = ""
        self._reset()

    def _reset(self) -> None:
        self._cells = self._blank()
        self._x = self._y = 0
        self._wrap = False
        """Whether the last column was written, so that the next character begins a line."""
        self._top, self._bottom = 0, self.rows - 1
        self._last = ""
        self._saved = {False: (0, 0, False), True: (0, 0, False)}
        """The cursor that was saved, of the ordinary screen and of the alternate one."""
        self._other: list[list[str]] | None = None
        """The ordinary screen while the alternate one is shown."""

    def add_output(self, text: str) -> None:
        """Keep output for the next look. Of very much of it only the end is kept: the rest has scrolled away."""
        if not text:
            return
        self._unread.append(text)
        self._unread_length += len(text)
        while self._unread_length > _UNREAD_LIMIT and len(self._unread) > 1:
            self._unread_length -= len(self._unread.popleft())

    def catch_up(self) -> bool:
        """Take in the output that was kept; False if there was none."""
        taken = False
        while self._unread:
            chunk = self._unread.popleft()
            self._unread_length -= len(chunk)
            self._feed(chunk)
            taken = True
        return taken

    def lines(self) -> list[str]:
        """Every row, without the blanks at its end."""
        return ["".join(row).rstrip() for row in self._cells]

    def line(self) -> str:
        """The row of the cursor."""
        return self.lines()[self._y]

    def _feed(self, chunk: str) -> None:
        data, position = self._pending + chunk, 0
        self._pending = ""
        while position < len(data):
            match = TOKEN.match(data, position)
            if match is None:  # an escape sequence that has not all come yet, or never will
                if len(data) - position <= _PENDING_LIMIT:
                    self._pending = data[position:]
                    return
                position += 1
                continue
            position = match.end()
            if match["text"]:
                self._write(match["text"])
            elif match["control"]:
                self._control(match["control"])
            elif match["csi"]:
                self._csi(match["csi"], match["args"])
            elif match["esc"]:
                self._escape(match["esc"])
            elif match["string"]:
                self._string(match["string"])

    def _string(self, text: str) -> None:
        if text.startswith("133;A") and self._x > 0:  # a prompt begins a line of its own
            self._x, self._wrap = 0, False
            self._line_feed()

    def _write(self, text: str) -> None:
        for char in text:
            width = width_of(char)
            if not width:
                continue
            if self._wrap or self._x + width > self.columns:
                if not self._wrap:  # a wide character without room for it leaves the last column empty
                    _split(self._cells[self._y], self._x)
                    self._cells[self._y][self._x :] = [" "] * (self.columns - self._x)
                self._wrap, self._x = False, 0
                self._line_feed()
            row = self._cells[self._y]
            _split(row, self._x)
            _split(row, self._x + width)
            row[self._x : self._x + width] = [self._cell(char)] if width == 1 else [self._cell(char), ""]
            self._last = char
            self._x += width
            if self._x >= self.columns:
                self._x, self._wrap = self.columns - 1, True

    def _cell(self, char: str) -> str:
        """What is kept of a character that is written."""
        return char

    def _control(self, char: str) -> None:
        self._wrap = self._wrap and char in "\t\a\0"
        if char == "\r":
            self._x = 0
        elif char in "\n\v\f":
            self._line_feed()
        elif char == "\b":
            self._x = max(0, self._x - 1)
        elif char == "\t":
            self._x = min(self.columns - 1, (self._x // 8 + 1) * 8)

    def _escape(self, char: str) -> None:
        self._wrap = self._wrap and char not in "DE"
        if char == "c":
            self._reset()
        elif char == "7":
            self._save()
        elif char == "8":
            self._restore()
        elif char == "M":
            if self._y == self._top:
                self._scroll(self._top, -1)
            else:
                self._y, self._wrap = max(0, self._y - 1), False
        elif char in "DE":
            self._line_feed()
            self._x = 0 if char == "E" else self._x

    def _csi(self, final: str, text: str) -> None:
        if text[:1] in ("<", "=", ">"):
            return
        if text.startswith("?"):
            if final in "hl":
                for mode in {"47", "1047", "1049"} & set(text[1:].split(";")):
                    self._alternate(final == "h", mode == "1049")
            return
        args = [int(part[:5]) if part.isdecimal() else 0 for part in text.replace(":", ";").split(";")]
        first, second = args[0], args[1] if len(args) > 1 else 0
        if final in "ABCDEFGHLMPX@adef`" or (final in "JK" and first < 3):
            self._wrap = False
        count = max(1, first)
        x, row = self._x, self._cells[self._y]
        match final:
            case "A" | "F":
                self._y = max(self._top if self._y >= self._top else 0, self._y - count)
            case "e":
                self._y = min(self.rows - 1, self._y + count)
            case "Z":
                self._x = max(0, (x - 1) // 8 * 8 - (count - 1) * 8)
            case "b":
                self._write(self._last * min(count, self.columns * self.rows))
            case "B" | "E":
                self._y = min(self._bottom if self._y <= self._bottom else self.rows - 1, self._y + count)
            case "C" | "a":
                self._x = min(self.columns - 1, x + count)
            case "D":
                self._x = max(0, x - count)
            case "G" | "`":
                self._x = min(self.columns, count) - 1
            case "d":
                self._y = min(self.rows, count) - 1
            case "H" | "f":
                self._y, self._x = min(self.rows, count) - 1, min(self.columns, max(1, second)) - 1
            case "J":
                self._erase_screen(first, x)
            case "K":
                if first < 3:
                    self._erase(self._y, 0 if first else x, x + 1 if first == 1 else self.columns)
            case "X":
                self._erase(self._y, x, min(self.columns, x + count))
            case "P":
                _split(row, x)
                _split(row, x + count)
                row[x:] = (row[x + count :] + [" "] * self.columns)[: self.columns - x]
            case "@":
                _split(row, x)
                _split(row, self.columns - min(count, self.columns - x))
                row[x:] = ([" "] * min(count, self.columns) + row[x:])[: self.columns - x]
            case "L" | "M":
                if self._top <= self._y <= self._bottom:
                    self._scroll(self._y, -count if final == "L" else count)
                    self._x = 0
            case "S":
                self._scroll(self._top, count)
            case "T":
                self._scroll(self._top, -count)
            case "r":
                bottom = min(self.rows, second or self.rows) - 1
                if count - 1 < bottom:
                    self._top, self._bottom, self._x, self._y = count - 1, bottom, 0, 0
                    self._wrap = False
            case "s":
                self._save()
            case "u":
                self._restore()
        if final in "EF":
            self._x = 0

    def _alternate(self, on: bool, with_cursor: bool) -> None:
        if on and self._other is None:
            if with_cursor:
                self._save()
            self._other, self._cells = self._cells, self._blank()
        elif on and with_cursor:
            self._cells, self._wrap = self._blank(), False
        elif not on:
            if self._other is not None:
                self._cells, self._other = self._other, None
            if with_cursor:
                self._restore()

    def _save(self) -> None:
        self._saved[self._other is not None] = (self._x, self._y, self._wrap)

    def _restore(self) -> None:
        self._x, self._y, self._wrap = self._saved[self._other is not None]

    def _erase_screen(self, which: int, x: int) -> None:
        if which == 0:
            self._erase(self._y, x, self.columns)
        elif which == 1:
            self._erase(self._y, 0, x + 1)
        first, stop = {0: (self._y + 1, self.rows), 1: (0, self._y), 2: (0, self.rows)}.get(which, (0, 0))
        for y in range(first, stop):
            self._erase(y, 0, self.columns)

    def _erase(self, y: int, start: int, stop: int) -> None:
        _split(self._cells[y], start)
        _split(self._cells[y], stop)
        self._cells[y][start:stop] = [" "] * (stop - start)

    def _line_feed(self) -> None:
        if self._y == self._bottom:
            self._scroll(self._top, 1)
        elif self._y < self.rows - 1:
            self._y += 1

    def _scroll(self, top: int, lines: int) -> None:
        """Move the rows from `top` to the region's end up by `lines` (down if negative)."""
        region = self._cells[top : self._bottom + 1]
        count = min(abs(lines), len(region))
        blank = [[" "] * self.columns for _ in range(count)]
        moved = region[count:] + blank if lines > 0 else blank + region[: len(region) - count]
        self._cells[top : self._bottom + 1] = moved

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.columns for _ in range(self.rows)]


def width_of(char: str) -> int:
    """The columns that a character takes: 0, 1 or 2."""
    if unicodedata.combining(char) or char in "\u200b\u200c\u200d\ufe0e\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _split(row: list[str], x: int) -> None:
    """Make room for a change that begins or ends before column `x`: half a wide character is none."""
    if 0 < x < len(row) and row[x] == "":
        row[x - 1] = row[x] = " "
