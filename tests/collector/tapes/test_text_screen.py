"""What Wait sees is what libghostty shows; hostile patterns do not hold a recording up."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyghostty import Terminal

from collector.tapes.patterns import LIMIT_S, TooSlow, compile_pattern, search
from collector.tapes.screen import TextScreen
from collector.terminal.cast import open_cast
from tests.depth import examples

# No OSC 133;A: at a marked prompt libghostty answers "erase all" by scrolling the screen away, as no other does.
NUMBER = st.integers(1, 30).map(str)
PIECES = st.one_of(
    st.text("abc xyz", min_size=1, max_size=25),
    st.sampled_from(["\r", "\n", "\r\n", "\b", "\t", "\x07", "\x1bM", "\x1bD", "\x1bE", "\x1b[K", "\x1b[1K", "\x1b[J",
                     "\x1b[2J", "\x1b[H", "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25l", "\x1b[1;31m", "\x1b]0;title\x07",
                     "\x1b]133;C\x1b\\", "漢字", "é"]),
    st.builds("\x1b[{}{}".format, NUMBER, st.sampled_from("ABCDEFGdPX@LMST")),
    st.builds("\x1b[{};{}H".format, NUMBER, NUMBER),
)  # fmt: skip


def shown(text: str, columns: int, rows: int) -> list[str]:
    terminal = Terminal(columns, rows, scrollback=0)
    terminal.feed(text.encode())
    return [line.rstrip() for line in str(terminal.text()).split("\n")]


def padded(lines: list[str], rows: int) -> list[str]:
    return (lines + [""] * rows)[:rows]


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(PIECES, max_size=40), st.integers(1, 7))
def test_the_characters_are_libghosttys(pieces: list[str], size: int) -> None:
    screen, text = TextScreen(20, 6), "".join(pieces)
    for start in range(0, len(text), size):  # in chunks that cut sequences
        screen.add_output(text[start : start + size])
        screen.catch_up()
    assert screen.lines() == padded(shown(text, 20, 6), 6)


@settings(max_examples=examples(200), deadline=None)
@given(st.text(st.sampled_from("\x1b[]?;0123456789ABCDHJKLMPSTXrhlmsu@\n\r\b\tab\x07\\P")), st.integers(1, 5))
def test_any_output_is_taken_in(text: str, size: int) -> None:
    screen = TextScreen(20, size)
    screen.add_output(text)
    assert screen.catch_up() == bool(text)
    assert len(screen.lines()) == size and screen.line() in screen.lines()


@pytest.mark.needs("shared")
def test_real_recordings_end_on_the_same_screen(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "casts").glob("*.cast")):
        cast = open_cast(path)
        events = [event for event in cast.events() if event.code in "or"]
        if any(event.code == "r" for event in events) or path.stat().st_size > 400_000:
            continue
        text = "".join(event.data for event in events)
        screen = TextScreen(cast.columns, cast.rows)
        screen.add_output(text)
        screen.catch_up()
        assert screen.lines() == padded(shown(text, cast.columns, cast.rows), cast.rows), path
        compared += 1
    assert compared > 3


def test_much_output_is_bounded_and_its_end_is_seen() -> None:
    screen = TextScreen(80, 24)
    for _ in range(2000):
        screen.add_output("line after line\r\n" * 100)
    screen.add_output("done> ")
    start = time.process_time()
    assert screen.catch_up() and screen.line() == "done>"
    assert time.process_time() - start < 2


def test_a_pattern_that_would_take_for_ever_is_given_up() -> None:
    start = time.process_time()
    with pytest.raises(TooSlow):
        search(compile_pattern(r"(a+)+$"), "a" * 60 + "b")
    assert time.process_time() - start < 2


def test_a_machine_that_is_busy_with_other_things_does_not_make_a_pattern_slow() -> None:
    class Stalled:
        def search(self, text: str) -> None:
            time.sleep(2 * LIMIT_S)

    assert search(cast(re.Pattern[str], Stalled()), "") is False


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (">$", ">", True), (">$", "> ls", False), (r"[[:digit:]]+\z", "a 12", True), ("(?i)DONE", "done", True),
        (r"\d+ files", "12 files", True), (r"^\$", "$ x", True), (r"a\\1", r"a\1", True),
    ],
)  # fmt: skip
def test_gos_patterns_are_pythons(pattern: str, text: str, found: bool) -> None:
    assert search(compile_pattern(pattern), text) is found


@pytest.mark.parametrize("pattern", ["(", "a" * 501, r"(?<=a)b", r"(a)\1", "[z-a]", "(?P<n>a)(?P=n)", "a{99999999999}"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        compile_pattern(pattern)
