"""What the shell says about itself is found wherever chunks are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.shell.marks import Marks

STREAM = (
    "\x1b]133;D;0\x07\x1b]133;A\x07\x1b[32magent\x1b[0m:~$ \x1b]133;B\x07ls no\r\n\x1b]133;C\x07"
    "\x1b]0;title\x1b\\ls: cannot access 'no'\r\n\x1b]133;D;2\x07\x1b]133;A\x07\x1b(B\x1b[?25hagent:~$ \x1b]133;B\x07"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_marks_do_not_depend_on_chunks(cuts: list[int]) -> None:
    marks = Marks()
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in zip(edges, edges[1:], strict=False):
        marks.feed(STREAM[start:end])
    assert marks.prompts == 2
    assert marks.exit_codes == [0, 2]
    assert marks.wait_prompt(1, 0.0)
    assert not marks.wait_prompt(2, 0.0)
    assert marks.wait_text("ls: cannot access 'no'", 0, 0.0)
    assert marks.length == len("agent:~$ ls no\r\nls: cannot access 'no'\r\nagent:~$ ")


def test_a_running_command_is_not_a_prompt() -> None:
    marks = Marks()
    marks.feed(STREAM[: STREAM.index("\x1b]0;title")])
    assert marks.prompts == 1
    assert not marks.wait_prompt(0, 0.0)


def test_text_before_the_start_does_not_count() -> None:
    marks = Marks()
    marks.feed("echo done\r\n")
    start = marks.length
    assert not marks.wait_text("done", start, 0.0)
    marks.feed("done\r\n")
    assert marks.wait_text("done", start, 0.0)


@given(st.text(max_size=300))
def test_any_output_is_survived(text: str) -> None:
    marks = Marks()
    for char in text:
        marks.feed(char)
    marks.feed("\x1b" * 5000 + "\\" + "after")
    assert marks.wait_text("after", 0, 0.0)
