"""tmux as an independent terminal: it is fed bytes, and reports what stands in each cell."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import tempfile
import unicodedata
from pathlib import Path

from collector.terminal.rows import PLAIN, Cell, Color, Style
from collector.terminal.screen import Screen
from tests.waiting import PATIENCE_S

_ATTRIBUTES = {
    1: "bold", 2: "faint", 3: "italic", 5: "blink", 7: "inverse", 8: "invisible", 9: "strike", 53: "overline"
}  # fmt: skip
_SGR = re.compile(r"\x1b\[([0-9;:]*)m")


class Tmux:
    """A tmux server of our own, without status line or configuration. Used as a context manager."""

    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="goaltrace-tmux-"))
        self._numbers = itertools.count()

    def __enter__(self) -> Tmux:
        self._run("-f", "/dev/null", "new-session", "-d", "-s", "keep", "exec sleep 10000")
        for option in ("status off", "default-terminal tmux-256color", "default-shell /bin/sh"):
            self._run("set-option", "-g", *option.split())
        return self

    def __exit__(self, *_: object) -> None:
        self._run("kill-server")
        shutil.rmtree(self._scratch)

    def screen(self, columns: int, rows: int, parts: list[str | tuple[int, int]]) -> list[list[Cell]]:
        """The cells after feeding the texts in `parts` to a new terminal; a size in between resizes it."""
        name = f"s{next(self._numbers)}"
        steps = []
        for number, part in enumerate(parts):
            if isinstance(part, str):
                file = self._scratch / f"{name}-{number}"
                file.write_bytes(part.encode())
                # the terminal answers CSI 5 n when it has taken in all that came before
                steps.append(f"cat {file}; printf '\\033[5n'; head -c 4 >/dev/null")
            else:
                steps.append(f"{self._command} resize-window -t {name} -x {part[0]} -y {part[1]}")
        script = "; ".join(["stty raw -echo", *steps, f"{self._command} wait-for -S {name}", "exec sleep 1000"])
        self._run("new-session", "-d", "-s", name, "-x", str(columns), "-y", str(rows), script)
        self._run("wait-for", name)
        columns, rows = next((part for part in reversed(parts) if not isinstance(part, str)), (columns, rows))
        captured = self._run("capture-pane", "-e", "-p", "-N", "-t", name)
        self._run("kill-session", "-t", name)
        return _cells(captured, columns, rows)

    @property
    def _command(self) -> str:
        return f"tmux -u -S {self._scratch}/socket"

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command.split(), *arguments], capture_output=True, timeout=PATIENCE_S, check=True,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color", "HOME": str(self._scratch)},
        )  # fmt: skip
        return done.stdout.decode()


def cells_of(screen: Screen) -> list[list[Cell]]:
    """All cells of a screen that was fed for the first time, as `Tmux.screen` gives them."""
    return [[_comparable(row.cells[number]) for number in row.which] for _, row in screen.changed_rows()]


def _comparable(cell: Cell) -> Cell:
    return cell._replace(text=unicodedata.normalize("NFC", cell.text) if cell.text else " ")


def _cells(captured: str, columns: int, rows: int) -> list[list[Cell]]:
    grid: list[list[Cell]] = []
    style = PLAIN
    lines = captured.split("\n")[:-1]
    for line in lines + [""] * (rows - len(lines)):
        cells: list[Cell] = []
        at = 0
        while at < len(line):
            if found := _SGR.match(line, at):
                style = _styled(style, found[1])
                at = found.end()
                continue
            char = line[at]
            at += 1
            if unicodedata.combining(char):
                half = cells[-1].half
                for number in (-2, -1) if half else (-1,):
                    cells[number] = _comparable(cells[number]._replace(text=cells[number].text + char))
            elif unicodedata.east_asian_width(char) in "WF":
                cells += [Cell(char, style, 1), Cell(char, style, 2)]
            else:
                cells.append(Cell(char, style))
        grid.append((cells + [Cell(" ")] * columns)[:columns])
    return grid


def _styled(style: Style, codes: str) -> Style:
    parts = (codes or "0").split(";")
    while parts:
        first, *rest = parts.pop(0).split(":")
        code = int(first or 0)
        if code == 0:
            style = PLAIN
        elif code == 4:
            style = style._replace(underline=int(rest[0]) if rest else 1)
        elif (code, rest) == (5, ["3"]):  # how capture-pane of tmux 3.3 writes 53
            style = style._replace(overline=True)
        elif code in _ATTRIBUTES:
            style = style._replace(**{_ATTRIBUTES[code]: True})
        elif code in (38, 48, 58):
            if rest:
                color: Color = int(rest[1]) if rest[0] == "5" else _rgb(rest[-3:])
            elif parts.pop(0) == "5":
                color = int(parts.pop(0))
            else:
                color = _rgb([parts.pop(0) for _ in range(3)])
            style = style._replace(**{{38: "fg", 48: "bg", 58: "underline_color"}[code]: color})
        elif 30 <= code <= 49:
            style = style._replace(**{"fg" if code < 40 else "bg": None if code % 10 == 9 else code % 10})
        elif 90 <= code <= 107:
            style = style._replace(**{"fg" if code < 100 else "bg": code % 10 + 8})
        else:
            raise AssertionError(f"tmux says SGR {codes!r}, which this reader does not know")
    return style


def _rgb(parts: list[str]) -> tuple[int, int, int]:
    red, green, blue = map(int, parts)
    return red, green, blue
