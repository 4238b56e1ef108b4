"""The screen model against an independent terminal: text and attributes are those of tmux, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.terminal.cast import open_cast, parse_size
from collector.terminal.screen import Screen
from tests.collector.terminal.tmux import Tmux, cells_of

COLUMNS, ROWS = 20, 6
pytestmark = pytest.mark.needs("tmux")


@pytest.fixture(scope="module")
def tmux() -> Iterator[Tmux]:
    with Tmux() as server:
        yield server


def marked(columns: int, rows: int) -> str:
    """Puts a mark at the end of every row: capture-pane stops at the last character that was written, so it would not
    show the colours of erased cells behind it."""
    ends = "".join(f"\x1b[{y};{columns}H|" for y in range(1, rows + 1))
    return f"\x1b[0m\x1b[4l\x1b[?6l\x1b[r{ends}"


def ours(columns: int, rows: int, parts: list[str | tuple[int, int]]) -> Screen:
    screen = Screen(columns, rows)
    for part in parts:
        screen.feed(part) if isinstance(part, str) else screen.resize(*part)
    return screen


# What is left out of the generator, because tmux 3.3 and libghostty differ there by design or by a fault of tmux:
# - CSI I (CHT), CSI a (HPR): tmux does not know them.
# - an empty last parameter (CSI 31 ; m): a reset in tmux, ignored by libghostty.
# - edits, erasures and moves straight after the last column was written: tmux's cursor then stands behind the line,
#   libghostty's (as xterm's) still on its last cell. So each of them goes to a column first.
# - a wide character that does not fit into the line's end: libghostty leaves the pen's colours in the free cell.
# - erasing, inserting, deleting or writing in the right half of a wide character: tmux keeps the left one. So wide
#   characters stand in odd columns, and whatever shares a stream with them starts there.
# - a line that wraps and scrolls while a background is set: tmux's new line has none (CSI 49 m before long text).
# - IL and DL outside the scroll region (tmux obeys); after them tmux's cursor stays in its column (so CR follows).
# - ICH of more cells than are left behind it: tmux clears too few. Insert mode at the line's end.
# - CSI ? 1049 l, ESC 8 with nothing saved, and the two mixed: one memory in libghostty, two in tmux.
# - ESC c inside the alternate screen: tmux stays there. ESC # 8: tmux keeps the pen.
# - CHA, HPA, VPA with origin mode on: libghostty takes the row as inside the region.
COUNT = st.integers(1, 7)
SGR = st.one_of(
    st.sampled_from(["0", "1", "2", "3", "4", "5", "7", "8", "9", "22", "23", "24", "25", "27", "28", "29", "39",
                     "49", "53", "55", "59", "4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "58;5;200", "58:2::1:2:3"]),
    st.integers(30, 37).map(str), st.integers(40, 47).map(str), st.integers(90, 97).map(str),
    st.integers(100, 107).map(str),
    st.tuples(st.sampled_from("34"), st.integers(0, 255)).map(lambda color: f"{color[0]}8;5;{color[1]}"),
    st.tuples(st.sampled_from("34"), *[st.integers(0, 255)] * 3).map(lambda c: f"{c[0]}8;2;{c[1]};{c[2]};{c[3]}"),
)  # fmt: skip
TEXT = "abc XYZ0-é→│─█⠿"
ACCENTED = ["e\u0301", "a\u0308", "x\u0302\u0323"]


def at(columns: range, then: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Something that is done in one of `columns` (1 is the first) of the row."""
    return st.tuples(st.sampled_from(columns), then).map(lambda at: f"\x1b[{at[0]}G{at[1]}")


def place(columns: range) -> st.SearchStrategy[str]:
    return st.tuples(st.integers(1, ROWS), st.sampled_from(columns)).map(lambda at: f"\x1b[{at[0]};{at[1]}H")


def counted(letters: str, after: str = "") -> st.SearchStrategy[str]:
    return st.tuples(COUNT, st.sampled_from(letters)).map(lambda move: f"\x1b[{move[0]}{move[1]}{after}")


ANYWHERE = range(1, COLUMNS + 1)
ODD = range(1, 10, 2)
COMMON = st.one_of(
    st.text(TEXT, min_size=1, max_size=30).map(lambda text: f"\x1b[49m{text}"),
    at(ODD, st.text(TEXT, min_size=1, max_size=9) | st.sampled_from(ACCENTED)),
    st.lists(SGR, min_size=1, max_size=3).map(lambda codes: f"\x1b[{';'.join(codes)}m"),
    st.sampled_from(["\r", "\r\n", "\t", "\x1bE", "\x1bM\r", "\x1b[g", "\x1b[3g", "\x1b[m", "\x1b[2J", "\x1b[2K",
                     "\x1b[r", "\x1b[?7h", "\x1b[?7l", "\x1b[?25l", "\x1b[m\x1b#8"]),
    at(ODD, counted("EFST", "\r")),
    place(ODD),
    st.tuples(st.integers(1, 3), st.integers(4, ROWS)).map(lambda region: f"\x1b[{region[0]};{region[1]}r"),
)  # fmt: skip
NARROW = st.one_of(
    st.sampled_from(["\n", "\b", "\x1bD", "\x1bM", "\x1bH"]),
    place(ANYWHERE),
    at(range(1, 11), st.text(TEXT, min_size=1, max_size=9)),
    at(range(1, 19), st.sampled_from(ACCENTED)),
    at(ANYWHERE, counted("ABCDEFGSTZd`PX")),
    at(ANYWHERE, st.sampled_from(["\x1b[J", "\x1b[1J", "\x1b[K", "\x1b[1K"])),
    at(range(1, 7), counted("@")),
    at(range(1, 11), st.text("abc é", min_size=1, max_size=5).map(lambda text: f"\x1b[4h{text}\x1b[4l")),
)
WIDE = st.tuples(place(ODD), st.text("漢字カナ한", min_size=1, max_size=5)).map("".join)
LINES = st.tuples(st.integers(1, 3), st.integers(4, ROWS), COUNT, st.sampled_from("LM")).map(
    lambda lines: f"\x1b[?6l\x1b[{lines[0]};{lines[1]}r\x1b[{lines[0] + 1}H\x1b[{lines[2]}{lines[3]}\r"
)
ORIGIN = st.tuples(st.integers(1, 3), st.integers(4, ROWS), st.integers(1, ROWS), st.sampled_from(ODD)).map(
    lambda at: f"\x1b[{at[0]};{at[1]}r\x1b[?6h\x1b[{at[2]};{at[3]}Hin\x1b[?6l"
)


def streams(special: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pieces = st.lists(st.one_of(COMMON, LINES, ORIGIN, special), min_size=1, max_size=12).map("".join)
    alternate = pieces.map(lambda inside: f"\x1b[?1049h{inside}\x1b[?1049l\r")
    saved = pieces.map(lambda inside: f"\x1b7{inside}\x1b8\r")
    return st.lists(st.one_of(pieces, alternate, saved, st.just("\x1bc")), min_size=1, max_size=4).map("".join)


STREAMS = st.one_of(streams(NARROW), streams(WIDE))


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(stream=STREAMS)
def test_generated_streams_are_as_in_tmux(tmux: Tmux, stream: str) -> None:
    parts: list[str | tuple[int, int]] = [stream, marked(COLUMNS, ROWS)]
    assert cells_of(ours(COLUMNS, ROWS, parts)) == tmux.screen(COLUMNS, ROWS, parts)


@pytest.mark.parametrize("stream", ["ab\x7fc", "a\x1b[3\x7f1mb", "\x7f", "é\x7f\u0301x"])
def test_del_is_nothing_as_in_tmux(tmux: Tmux, stream: str) -> None:
    assert cells_of(ours(COLUMNS, ROWS, [stream])) == tmux.screen(COLUMNS, ROWS, [stream])


@pytest.mark.needs("shared")
def test_public_casts_are_as_in_tmux(tmux: Tmux, shared_data: Path) -> None:
    casts = sorted((shared_data / "casts").glob("*.cast"))
    assert len(casts) == 21
    for path in casts:
        cast = open_cast(path)
        parts: list[str | tuple[int, int]] = [
            event.data if event.code == "o" else parse_size(event.data, str(path))
            for event in cast.events()
            if event.code in "or"
        ]
        assert cells_of(ours(cast.columns, cast.rows, parts)) == tmux.screen(cast.columns, cast.rows, parts), path.name
