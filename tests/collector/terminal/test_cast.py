"""asciicast: what was written is read back; what is broken is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.terminal.cast import CastEvent, CastWriter, open_cast
from manifests.errors import GoaltraceError

HEADER = '{"version": 3, "term": {"cols": 80, "rows": 24}}\n'


def write(path: Path, moments: list[tuple[int, str, str]]) -> list[int]:
    path.unlink(missing_ok=True)
    clock: Iterator[int] = iter([moment[0] for moment in moments])
    writer = CastWriter(path, 80, 24, lambda: next(clock), timestamp=1, env={"SHELL": "/bin/bash"})
    times = [writer.event(code, data) for _, code, data in moments]
    writer.close()
    return times


@given(
    st.lists(st.tuples(st.integers(0, 10**13), st.sampled_from("oimx"), st.text(max_size=40)), max_size=30).map(sorted)
)
def test_any_text_and_times_come_back(
    tmp_path_factory: pytest.TempPathFactory, moments: list[tuple[int, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("cast") / "a.cast"
    write(path, moments)
    read = list(open_cast(path).events())
    assert [(e.code, e.data) for e in read] == [(code, data) for _, code, data in moments]
    for event, (t_ns, _, _) in zip(read, moments, strict=True):
        assert 0 <= event.t_ns - t_ns < 1000, "times are exact to 1 us and never early, also after many events"


def test_a_killed_recorder_leaves_a_readable_cast(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    write(path, [(10**9, "o", "one"), (2 * 10**9, "o", "two")])
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, whole.index(b'"two"'), -1):
        path.write_bytes(whole[:cut])
        events = list(open_cast(path).events())
        assert events[0] == CastEvent(10**9, "o", "one")
        assert len(events) <= 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('[0.1, "o", "unclosed]', "not valid JSON"),
        ('[0.1, "o"]', "an event is"),
        ('{"t": 1}', "an event is"),
        ('[-1, "o", "x"]', "an event is"),
        ('[NaN, "o", "x"]', "an event is"),
        ('[1e99, "o", "x"]', "past 7 days"),
        (f'[{"9" * 400}, "o", "x"]', "past 7 days"),
        ('[1, "r", "999999x3"]', "not within"),
        ('[1, "r", "wide"]', "COLSxROWS"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_a_broken_line_is_named_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "broken.cast"
    path.write_text(HEADER + '[0.5, "o", "fine"]\n' + line + "\n" + '[0.5, "o", "more"]\n')
    with pytest.raises(GoaltraceError, match=says) as caught:
        list(open_cast(path).events())
    assert "broken.cast" in str(caught.value) and "line 3" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("not a cast\n", "not valid JSON"),
        ("[1, 2]\n", "not an asciicast header"),
        ('{"version": 9}\n', "version 9"),
        ('{"version": 3}\n', "term is missing"),
        ('{"version": 2, "width": 80, "height": 10000000}\n', "not within"),
        ('{"version": 2, "width": "80", "height": 24}\n', "not within"),
    ],
)
def test_a_broken_header_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "a.cast"
    path.write_text(text)
    with pytest.raises(GoaltraceError, match=says) as caught:
        open_cast(path)
    assert "line 1" in str(caught.value)


def test_older_versions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 2, "width": 40, "height": 10}\n[1.5, "o", "a"]\n[2.25, "o", "b"]\n')
    cast = open_cast(path)
    assert (cast.columns, cast.rows) == (40, 10)
    assert [event.t_ns for event in cast.events()] == [1_500_000_000, 2_250_000_000]
    path.write_text(
        json.dumps({"version": 1, "width": 40, "height": 10, "stdout": [[1.5, "a"], [0.75, "b"]]}, indent=1)
    )
    assert list(open_cast(path).events()) == [CastEvent(1_500_000_000, "o", "a"), CastEvent(2_250_000_000, "o", "b")]


def test_comments_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text(HEADER + '# a note\n[1, "o", "a"]\n\n[1, "x", 0]\n')
    assert [event.data for event in open_cast(path).events()] == ["a", "0"]


def test_a_missing_cast_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match=r"nothing\.cast"):
        open_cast(tmp_path / "nothing.cast")
