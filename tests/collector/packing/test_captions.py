"""What a clip says of itself: captions only describe what was shown, and the screen's text is that of the pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.packing.cut_costs import held_costs
from collector.packing.desktop_captions import desktop_captions
from collector.packing.pack import pack
from collector.packing.windows import clip_windows
from collector.terminal.cast import open_cast
from collector.terminal.render import render_session
from collector.terminal.screen import Screen
from collector.terminal.transcript import Transcript
from manifests.clip_io import ClipReader
from manifests.files import append_jsonl
from manifests.session import Action, Event, Frame, Intent, SessionFolder
from tests.collector.session_folders import make_session

PROMPT = "\x1b]133;D;0\x07\x1b]133;A\x07\x1b[32magent\x1b[0m:~$ \x1b]133;B\x07"
SECRET = "hunter2"


def command(text: str, output: str, status: int) -> str:
    return f"{text}\r\n\x1b]133;C\x07{output}" + PROMPT.replace("D;0", f"D;{status}")


def taken(*outputs: str, columns: int = 80) -> list[Any]:
    transcript = Transcript(columns, 24)
    for t_ns, output in enumerate(outputs):
        transcript.output(t_ns, output)
    return transcript.take().lines


def make_terminal(
    path: Path,
    events: list[tuple[float, str, str]],
    *,
    seconds: float = 12,
    breaks: Sequence[tuple[float, str]] = (),
    **changes: object,
) -> SessionFolder:
    """A terminal session of these cast events (times in s), drawn by the real renderer; "i" events are its keys."""
    folder = make_session(path, frames=2, kind="terminal", columns=80, rows=24, **changes)
    for log in (folder.frames_path, folder.actions_path, folder.intents_path, folder.screen):
        log.unlink()
    lines = [json.dumps({"version": 2, "width": 80, "height": 24})]
    folder.cast.write_text("\n".join([*lines, *(json.dumps(list(event)) for event in events)]) + "\n")
    names = {"\r": "Return", "\x7f": "BackSpace"}
    append_jsonl(
        folder.actions_path,
        [Action(seq=n, t_ns=round(t * 1e9), kind="key", key=names.get(data, data), char=data)
         for n, (t, code, data) in enumerate(events) if code == "i"],
    )  # fmt: skip
    append_jsonl(folder.events_path, [Event(t_ns=round(t * 1e9), kind=kind) for t, kind in breaks])  # type: ignore[arg-type]
    keys = sum(code == "i" for _, code, _ in events)
    folder.write_manifest(
        folder.read_manifest().model_copy(update={"actions": keys, "frames": 0, "duration_ns": round(seconds * 1e9)})
    )
    render_session(folder, 15)
    return folder


def clips_of(session: SessionFolder, clip_s: float = 5.0) -> list[dict[str, Any]]:
    out = session.path.parent / "set"
    pack([session], out=out, clip_s=clip_s)
    return list(ClipReader(out).iter_clips())


def words(clip: dict[str, Any]) -> str:
    return " | ".join(clip[name] for name in ("caption_short", "caption", "caption_detailed"))


def typing(at: float, text: str, step: float = 0.2) -> list[tuple[float, str, str]]:
    events = []
    for n, char in enumerate(text):
        t = round(at + n * step, 3)
        events += [(t, "i", char), (round(t + 0.001, 4), "o", char)]
    return events


def test_a_command_its_output_and_its_result_are_told_apart() -> None:
    (line,) = taken(PROMPT, "fa", command("lse", "no\r\nsuch thing\r\n", 1))
    assert (line.text, line.state, line.status, line.ran) == ("false", "over", 1, True)
    assert line.output.lines() == ("no", "such thing", 2)


def test_corrections_wraps_and_further_lines_are_as_the_screen_shows_them() -> None:
    assert taken(PROMPT, "lx\b\x1b[Ks", command("", "", 0))[0].text == "ls"
    assert taken(PROMPT, command("x" * 30, "", 0), columns=20)[0].text == "x" * 30
    assert taken(PROMPT, command("cat <<E\r\n> one\r\n> E", "one\r\n", 0))[0].text == "cat <<E\none\nE"
    assert taken(PROMPT, command("for a in b\r\nfor> x > y\r\nfor if> z", "", 0))[0].text == "for a in b\nx > y\nz"
    assert taken(PROMPT, command("cat a\r\nmore > b", "", 0))[0].text == "cat a\nmore > b", "zsh's history"
    indent = " " * len("agent:~$ ")  # fish's
    assert taken(PROMPT, command(f"if x\r\n{indent}    y\r\n{indent}end", "", 0))[0].text == "if x\n    y\nend"


def test_a_blank_that_fills_a_row_is_not_lost() -> None:
    assert taken(PROMPT, command("echo words and more", "", 0), columns=20)[0].text == "echo words and more"


def test_a_command_found_in_bashs_history_is_told() -> None:
    search = "\r(reverse-i-search)`': \x1b[K\b\b\bo': echo one two\b"
    found = search + "\r\x1b[14P\x1b[32magent\x1b[0m:~$ \x1b]133;B\x07" + "\x1b[C" * 5
    assert taken(PROMPT, found, command("", "", 0))[0].text == "echo one two"


def test_what_a_shell_sends_behind_its_prompt_is_not_typed() -> None:
    transcript = Transcript(80, 24)
    transcript.output(0, PROMPT + "\x1b[K\x1b[?2004h", quotable=False)
    for t_ns, output in ((5, "l"), (6, "s"), (7, command("", "a\r\n", 0))):
        transcript.output(t_ns, output)
    (line,) = transcript.take().lines
    assert (line.text, line.quotable, line.typed_ns) == ("ls", True, 5)


@pytest.mark.parametrize("key", ["s", "Left"])
def test_what_stands_behind_the_cursor_is_not_typed_unless_the_cursor_went_back(key: str) -> None:
    transcript = Transcript(80, 24)
    transcript.output(0, PROMPT)
    transcript.key("l")
    transcript.key(key)
    transcript.output(1, "ls /usr" + "\b" * 5 + "\r\n\x1b[Jlist of files\x1b[A\x1b[2D")
    assert transcript.take().lines[0].text == ("ls" if key == "s" else "ls /usr\nlist of files")


def test_fish_4_draws_its_prompt_anew_with_a_mark_and_gives_a_line_up_where_it_stands() -> None:
    transcript = Transcript(80, 24)
    transcript.output(0, PROMPT)
    transcript.key("l")
    transcript.output(1, "l")
    anew = "\x1b[H\x1b[2J\r\x1b]133;A;special_key=1\x07agent:~$ \x1b]133;B\x07"
    transcript.output(2, f"{anew}ls /usr" + "\b" * 6)
    transcript.output(3, "\x1b]133;D\x07\x1b]133;B\x07\b\x1b[J" + command("ls", "", 0))
    assert [(line.text, line.state) for line in transcript.take().lines] == [("l", "given up"), ("ls", "over")]


def test_fish_4_marks_where_prompts_begin_and_its_brackets_tell_where_they_end() -> None:
    prompt = "\r\x1b]133;A;special_key=1\x07~> \x1b[K\r\x1b[3C" + ON
    off = f"{OFF}\x1b[>4;0m"
    found = taken_at(
        (0, prompt), (500, "echo"), (600, off), (601, " " + ON), (700, "hi"),
        (900, "\r\n\x1b]133;C;cmdline_url=x\x07" + off),
        (901, "hi\r\n\x1b]133;D;0\x07" + prompt), (1500, "\r\n" + prompt), (2000, "fals"),
        (2100, "\x1b[H\x1b[2J\r\x1b]133;A;special_key=1\x07~> fals\x1b[K"), (2200, "e"),
        (2500, "\r\n\x1b]133;C\x07" + off + "\x1b]133;D;1\x07" + prompt),
    )  # fmt: skip
    assert [(line.text, line.status) for line in found] == [("echo hi", 0), ("false", 1)]


def test_a_mark_in_an_output_begins_no_command_line() -> None:
    (line,) = taken(PROMPT, command("cat prompt", "$ \x1b]133;B\x07\r\n", 0))
    assert (line.text, line.state, line.output.lines()) == ("cat prompt", "over", ("$", "$", 1))


ON, OFF = "\x1b[?2004h", "\x1b[?2004l"
MS = 10**6


def edited(*outputs: tuple[int, str], columns: int = 80) -> list[tuple[str, str, tuple[str, str, int]]]:
    """Of each line that was edited between brackets for pasted text: what it is, its state, what it printed."""
    return [(line.text, line.state, line.output.lines()) for line in taken_at(*outputs, columns=columns)]


def taken_at(*outputs: tuple[int, str], columns: int = 80) -> list[Any]:
    transcript = Transcript(columns, 24)
    for t_ms, output in outputs:
        transcript.output(t_ms * MS, output)
    return transcript.take().lines


def test_bash_without_marks_tells_its_lines_by_the_brackets_for_pasted_text() -> None:
    found = edited(
        (0, ON), (1, "me@host:~$ "), (900, "l"), (980, "x\b\x1b[Ks"), (1500, "\r\n"), (1501, OFF + "\rone\r\ntwo\r\n"),
        (1510, ON), (1511, "me@host:~$ "), (2000, "sle"), (2100, "^C" + OFF + "\r\r\n" + ON + "me@host:~$ "),
        (2500, "\r\n"), (2501, OFF + "\r" + ON + "me@host:~$ "), (3000, "cd"),
    )  # fmt: skip
    nothing = ("", "", 0)
    assert found == [("ls", "over", ("one", "two", 2)), ("sle", "given up", nothing), ("cd", "typing", nothing)]


def test_zsh_shows_its_prompt_before_the_brackets_and_that_is_no_output() -> None:
    prompt = "\x1b[7m%\x1b[27m" + " " * 79 + "\r \r\r\x1b[J~ %" + " " * 60 + "12:30" + "\r\x1b[4C" + ON
    assert edited(
        (0, prompt), (700, "cat x"), (1500, OFF + "\r\r\n"), (1501, "one\r\nno end" + prompt),
        (2200, "ls"), (2400, "\r\r\n\x1b[Ja  b\x1b[A\r\x1b[6C"), (2500, OFF + "\r\r\n\x1b[J"), (2501, prompt),
    ) == [("cat x", "over", ("one", "no end", 2)), ("ls", "over", ("", "", 0))]  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "anew"),
    [("~/w ❯ ", "\r\x1b[J~/w main ❯ "), ("~/w\r\n❯ ", "\r\x1b[A\x1b[J~/w main*\r\n❯ "),
     ("~/w %" + " " * 60 + "12:30\r\x1b[6C", "\r\x1b[J~/w main %" + " " * 50 + "12:30\r\x1b[11C")],
    ids=["one-row", "two-rows", "right-side"],
)  # fmt: skip
def test_a_prompt_that_is_drawn_anew_when_it_knows_more_is_not_typed(prompt: str, anew: str) -> None:
    found = edited((0, ON), (1, prompt), (300, anew), (900, "l"), (1000, "s -a"), (1500, "\r\n" + OFF), (1501, "x\r\n"))
    assert found == [("ls -a", "running", ("x", "x", 1))]


def test_a_prompt_of_several_rows_that_stands_before_the_brackets_is_no_output() -> None:
    prompt = "\x1b[7m%\x1b[27m" + " " * 79 + "\r \r\r\x1b[J\r\n~/work on main\r\n❯ " + ON
    assert edited(
        (0, prompt), (700, "ls"), (1500, OFF + "\r\r\n"), (1501, "one\r\n" + prompt), (2200, "false"),
        (2500, OFF + "\r\r\n"), (2501, prompt), (2600, "cat"), (2700, OFF + "\r\r\n"), (2800, "a\r\nb\r\n"),
    ) == [("ls", "over", ("one", "one", 1)), ("false", "over", ("", "", 0)),
          ("cat", "running", ("a", "b", 2))]  # fmt: skip


@pytest.mark.parametrize("piece", [" ", "%", "\x1b[m", "\x1b[1;", "          \r", "          \r \r"])
def test_no_output_takes_long_to_look_through(piece: str) -> None:
    began = time.process_time()
    taken_at((0, ON + "$ "), (500, "x\r\n" + OFF), (900, piece * 300_000), (1000, ON + "$ "))
    assert time.process_time() - began < 5


def test_fish_marks_an_output_without_a_last_lines_end_and_that_mark_is_no_output() -> None:
    mark = "\x1b[2m⏎\x1b(B\x1b[m" + " " * 79 + "\r⏎ \r\x1b[K"
    assert edited(
        (0, mark + ON), (1, "~> "), (700, "a"), (900, "\r\n" + OFF), (901, "no end" + mark + ON), (902, "~> "),
        (1700, "b"), (1900, "\r\n" + OFF), (1901, "end\r\n" + mark + ON), (1902, "~> "),
    ) == [("a", "over", ("no end", "no end", 1)), ("b", "over", ("end", "end", 1))]  # fmt: skip


@pytest.mark.parametrize("empty", [False, True], ids=["at-once", "after-an-empty-line"])
def test_fish_gives_a_line_up_without_brackets_and_goes_on(empty: bool) -> None:
    mark = "\x1b[2m⏎\x1b(B\x1b[m" + " " * 79 + "\r⏎ \r\x1b[K"
    events = [
        (0, mark + ON), (1, "~> "), (700, "slee"), (900, "\x1b[7m^C"), (901, "\x1b[30m\x1b(B\x1b[m\r\n"), (902, mark),
        (903, "~> "),
    ]  # fmt: skip
    if empty:
        events += [(1500, "\r\n"), (1501, mark + ON), (1502, "~> ")]
    found = edited(*events, (2200, "ls"), (2400, "\r\n" + OFF), (2401, "a\r\n" + mark + ON), (2402, "~> "))
    assert found == [("slee", "given up", ("", "", 0)), ("ls", "over", ("a", "a", 1))]


def test_a_prompts_part_at_the_right_is_not_typed_wherever_the_shells_mark_is() -> None:
    right = " " * 60 + "12:30" + "\r\x1b[9C"
    transcript = Transcript(80, 24)
    for t_ms, output in (
        (0, PROMPT + right),
        (500, "for i in a"),
        (900, "\r\nfor> ls"),
        (1500, command("", "a\r\n", 0)),
    ):
        transcript.output(t_ms * MS, output)
    assert [line.text for line in transcript.take().lines] == ["for i in a\nls"]
    wide = "~> " + " " * 72 + "12:30\r\x1b[3C"  # fish's, to the row's end
    found = edited((0, ON), (1, wide), (700, "for i in a"), (900, "\r\n   ls"), (1500, "\r\n" + OFF), (1501, "a\r\n"))
    assert found == [("for i in a", "running", ("a", "a", 1))]


@pytest.mark.parametrize("before", ["", "> "], ids=["after-brackets", "before-brackets"])
def test_the_further_lines_of_a_command_belong_to_it(before: str) -> None:
    more = before + ON + ("" if before else "> ")
    (line, last) = taken_at(
        (0, ON + "$ "), (500, "for i in a b; do"), (900, "\r\n" + OFF + "\r" + more), (1500, "echo $i"),
        (1900, "\r\n" + OFF + "\r" + more), (2500, "done"), (2900, "\r\n" + OFF + "\ra\r\nb\r\n" + ON + "$ "),
        (3500, "ls"),
    )  # fmt: skip
    assert (line.text, line.output.lines()) == ("for i in a b; do\necho $i\ndone", ("a", "b", 2))
    assert (line.typed_ns, line.ran_ns) == (500 * MS, 2900 * MS) and last.text == "ls"


def test_a_prompt_that_always_looks_like_one_for_more_begins_a_command_each_time() -> None:
    found = edited((0, ON + "> "), (500, "x <- 3"), (900, "\r\n" + OFF + ON + "> "), (1500, "x"), (1900, "\r\n" + OFF))
    assert [text for text, _, _ in found] == ["x <- 3", "x"]


def test_a_prompt_that_began_before_a_cut_leaves_nothing_of_it_behind() -> None:
    transcript = Transcript(80, 24)
    for t_ms, output in ((0, f"~ % {ON}"), (500, "ls"), (900, f"{OFF}\r\r\n"), (901, "one\r\n~ ")):
        transcript.output(t_ms * MS, output)
    transcript.take()
    transcript.output(902 * MS, f"% {ON}")
    assert transcript.take().lines == [], "the rest of a prompt is no output"


def test_a_program_that_takes_the_whole_screen_edits_no_line_of_the_shell() -> None:
    editor = "\x1b[?1049h" + ON + "\x1b[HText" + OFF + "\x1b[?1049l"
    found = edited((0, ON + "$ "), (500, "vi"), (900, "\r\n" + OFF), (950, editor), (5000, ON + "$ "))
    assert [(text, state) for text, state, _ in found] == [("vi", "over")]


def test_nano_whose_brackets_stand_around_its_screen_is_no_prompt() -> None:
    nano = [(950, ON + "\x1b[?1049h\x1b[H  GNU nano  New File"), (2000, "\x1b[2;1Hhello"), (3000, "\x1b[?1049l" + OFF)]
    found = edited((0, ON + "$ "), (500, "nano"), (900, "\r\n" + OFF), *nano, (3010, ON + "$ "), (4000, "ls"))
    assert [(text, state) for text, state, _ in found] == [("nano", "over"), ("ls", "typing")]


def test_marks_with_options_and_without_the_one_after_the_prompt_are_followed() -> None:
    shown = f"\x1b]133;A;special_key=1\x07~> {ON}"
    (line, _) = taken_at((0, shown), (500, "ls"), (900, f"\r\n{OFF}\x1b]133;C;cmdline_url=ls\x07one\r\n"),
                         (990, f"\x1b]133;D;2;aid=7\x07{shown}"), (2000, "x"))  # fmt: skip
    assert (line.text, line.state, line.status, line.output.lines()) == ("ls", "over", 2, ("one", "one", 1))
    assert taken(PROMPT, command("ls", "", 0).replace("D;0", "D;3;aid=7"))[0].status == 3


@given(st.data())
def test_brackets_split_anywhere_are_found(data: st.DataObject) -> None:
    whole = f"{ON}$ |ls\r\n{OFF}one\r\n{ON}$ "
    cut = data.draw(st.integers(0, len(whole)))
    parts = [part for piece in (whole[:cut], whole[cut:]) for part in piece.split("|")]
    typed = [n for n, part in enumerate(parts) if part.startswith("ls")] or [99]
    outputs = [(n + 500 * (n >= typed[0]), part) for n, part in enumerate(parts)]
    if typed != [99]:
        assert edited(*outputs) == [("ls", "over", ("one", "one", 1))]


@given(st.data(), st.lists(st.tuples(st.text("ab' x", max_size=12), st.integers(0, 255)), max_size=5))
def test_marks_split_anywhere_are_found(data: st.DataObject, commands: list[tuple[str, int]]) -> None:
    whole = PROMPT + "".join(command(text, "out\r\n", status) for text, status in commands)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert [(line.text, line.status) for line in taken(*pieces)] == [(text.strip(), code) for text, code in commands]


def test_an_output_of_any_length_is_told_by_its_first_and_last_line() -> None:
    output = "".join(f"line {n}\r\n" for n in range(5000))
    pieces = [output[n : n + 999] for n in range(0, len(output), 999)]
    (line,) = taken(PROMPT, "seq\r\n\x1b]133;C\x07", *pieces, PROMPT)
    assert line.output.lines() == ("line 0", "line 4999", 5000)


@pytest.mark.needs("ffmpeg")
def test_the_text_of_a_picture_is_what_it_shows(tmp_path: Path) -> None:
    events = [(0.02, "o", PROMPT), *typing(1, "seq 30"),
              (2.5, "o", command("", "".join(f"{n} ünï\r\n" for n in range(30)), 0)), (4, "r", "60x12"),
              (4.1, "o", "\x1b[2J\x1b[3;4Hmiddle"), (6, "o", "\x1b[?1049h\x1b[Hother   "),
              (7, "o", "\x1b[?1049l")]  # fmt: skip
    session = make_terminal(tmp_path / "one", events)
    for clip in clips_of(session):
        assert len(clip["screen_text"]) == clip["picture"][-1] + 1
        for t_ns, picture in zip(clip["t1_ns"], clip["picture"], strict=True):
            assert clip["screen_text"][picture] == _screen_at(session, t_ns)


def _screen_at(session: SessionFolder, t_ns: int) -> str:
    """The screen, replayed from the beginning by one who knows nothing of clips."""
    cast = open_cast(session.cast)
    screen = Screen(cast.columns, cast.rows)
    for event in cast.events():
        if event.t_ns <= t_ns and event.code == "o":
            screen.feed(event.data)
        elif event.t_ns <= t_ns and event.code == "r":
            columns, rows = event.data.split("x")
            screen.resize(int(columns), int(rows))
    return "\n".join(row.rstrip() for row in screen.text().split("\n")).rstrip("\n")


@pytest.mark.needs("ffmpeg")
def test_captions_say_what_was_typed_run_and_printed(tmp_path: Path) -> None:
    events = [(0.02, "o", PROMPT), *typing(1, "lx"), (1.5, "i", "\x7f"), (1.501, "o", "\b\x1b[K"), *typing(1.7, "s"),
              (2, "i", "\r"), (2.1, "o", command("", "one\r\ntwo\r\n", 0)), *typing(3, "rm x"), (4, "i", "\r"),
              (4.1, "o", command("", "rm: no x\r\n", 1))]  # fmt: skip
    (clip,) = clips_of(make_terminal(tmp_path / "one", events, seconds=7))
    assert clip["caption_short"] == "`ls` succeeds; `rm x` fails with status 1."
    assert clip["caption"] == (
        "`ls` is typed and run, prints “one” and 1 more line and succeeds. "
        "`rm x` is typed and run, prints “rm: no x” and fails with status 1."
    )
    assert "1 slip taken back" in clip["caption_detailed"]
    assert "with exit status 1" in clip["caption_detailed"]
    assert clip["caption_detailed"].endswith("the last “agent:~$”.")


@pytest.mark.needs("ffmpeg")
def test_nothing_typed_while_hidden_is_in_a_caption(tmp_path: Path) -> None:
    events = [(0.02, "o", PROMPT), *typing(1, f"login {SECRET}", 0.1), (3, "o", command("", f"hello {SECRET}\r\n", 0)),
              *typing(5, "clear"), (6.2, "o", command("", "\x1b[H\x1b[2J", 0))]  # fmt: skip
    session = make_terminal(tmp_path / "one", events, breaks=[(1.5, "hide"), (3.5, "show")])
    hidden = {n for n, frame in enumerate(session.frames()) if 1.5e9 <= frame.t1_ns <= 6.5e9}
    _rewrite(session, [f.model_copy(update={"redacted": n in hidden}) for n, f in enumerate(session.frames())])
    clips = clips_of(session)
    assert all(SECRET not in words(clip) for clip in clips)
    assert any("A hidden command succeeds" in clip["caption_short"] for clip in clips)
    for clip in clips:
        for picture, redacted in zip(clip["picture"], clip["frame_redacted"], strict=True):
            assert not redacted or clip["screen_text"][picture] == ""


def _rewrite(session: SessionFolder, frames: list[Frame]) -> None:
    """With a picture of its own for every frame, as a blank one has."""
    pictures = [f.picture for f in session.frames()]
    session.frames_path.unlink()
    append_jsonl(
        session.frames_path, [f.model_copy(update={"picture": p}) for f, p in zip(frames, pictures, strict=True)]
    )


@pytest.mark.needs("ffmpeg")
def test_keys_kept_without_identity_leave_the_command_untold(tmp_path: Path) -> None:
    events = [(0.02, "o", PROMPT), *typing(1, SECRET, 0.1), (3, "o", command("", "fine\r\n", 0))]
    session = make_terminal(tmp_path / "one", events, seconds=6)
    actions = [a.model_copy(update={"redacted": True, "key": None, "char": None}) for a in session.actions()]
    session.actions_path.unlink()
    append_jsonl(session.actions_path, actions)
    (clip,) = clips_of(session)
    assert SECRET not in words(clip)


@pytest.mark.needs("ffmpeg")
def test_without_marks_a_caption_tells_only_the_screen(tmp_path: Path) -> None:
    events = [(0.5, "o", "$ "), (1, "o", "ls\r\nfile one\r\nfile two\r\n$ ")]
    (clip,) = clips_of(make_terminal(tmp_path / "one", events, seconds=6))
    assert clip["caption_short"] == "New on the screen: “$ ls” and 2 more lines."
    assert "is run" not in words(clip)
    assert "succeeds" not in words(clip)


@pytest.mark.needs("ffmpeg")
def test_without_marks_brackets_for_pasted_text_tell_commands_but_no_results(tmp_path: Path) -> None:
    events = [(0.1, "o", ON + "$ "), *typing(1, "ls"), (2, "i", "\r"), (2.01, "o", f"\r\n{OFF}one\r\ntwo\r\n{ON}$ ")]
    (clip,) = clips_of(make_terminal(tmp_path / "one", events, seconds=6))
    assert clip["caption_short"] == "`ls` is run."
    assert clip["caption"] == "`ls` is typed and run and prints “one” and 1 more line."
    assert clip["caption_detailed"] == (
        "`ls` is typed at 1.0 s with 2 keys, is run at 2.0 s and prints 2 lines, from “one” to “two”. "
        "At the end the screen shows 4 lines."
    )


@pytest.mark.needs("ffmpeg")
def test_frames_drawn_around_text_and_directions_are_left_out_of_captions(tmp_path: Path) -> None:
    box = "╭────╮\r\n│ Hi │\r\n│    │\r\n╰────╯\r\n\u202etxt\r\n"
    (clip,) = clips_of(make_terminal(tmp_path / "one", [(1, "o", box)], seconds=6))
    assert clip["caption"] == "New on the screen: “Hi”, “txt”."
    assert clip["caption_short"] == "New on the screen: “Hi” and 1 more line."
    editor = [(1.0, "o", "\x1b[?1049h\x1b[HMenu"), (3.0, "o", "\x1b[?1049l")]
    (clip,) = clips_of(make_terminal(tmp_path / "c" / "three", editor, seconds=6))
    assert clip["caption"] == "For a while on the screen: “Menu”."
    (clip,) = clips_of(make_terminal(tmp_path / "b" / "two", [(1, "i", "x")], seconds=6))
    assert words(clip).count("Nothing changes on the screen.") == 3, "a key is no nothing"


@pytest.mark.needs("ffmpeg")
def test_a_terminal_is_cut_at_its_prompt(tmp_path: Path) -> None:
    busy = [(t / 5, "o", ".") for t in range(5, 40)]
    more = [(t / 5, "o", ".") for t in range(45, 75)]
    events = [(0.02, "o", PROMPT), (1, "o", "run\r\n\x1b]133;C\x07"), *busy, (7.5, "o", PROMPT),
              (8.9, "o", "go\r\n\x1b]133;C\x07"), *more]  # fmt: skip
    events.sort(key=lambda event: event[0])
    events = [(t, code, "" if 7.5 < t < 8.9 else data) for t, code, data in events]
    clips = clips_of(make_terminal(tmp_path / "one", events, seconds=16))
    assert 7.5e9 <= clips[1]["t1_ns"][0] <= 8.9e9
    assert clips[0]["caption_short"] == "`run` succeeds."


@given(st.integers(1, 2000), st.integers(1, 30), st.floats(1, 12), st.randoms(use_true_random=False))
def test_the_cheapest_cuts_are_taken_and_no_clip_is_too_long_or_short(
    frames: int, gop: int, clip_s: float, random: Any
) -> None:
    starts = list(range(0, frames, gop))
    costs = [random.choice([0.0, 0.5, 1.0]) for _ in starts]
    windows = clip_windows(starts, frames, 15.0, clip_s, costs)
    size = round(clip_s * 15)
    assert [a for a, _ in windows] == [0, *(b for _, b in windows[:-1])]
    assert windows[-1][1] == frames
    if frames > size:
        assert all(size <= end - first <= 2 * size + gop for first, end in windows)
    if len(windows) == 2 and size * 3 > frames:  # only one cut was possible: it is the cheapest that there is
        allowed = [cost for at, cost in zip(starts, costs, strict=True) if size <= at <= frames - size]
        within = [cost for at, cost in zip(starts, costs, strict=True)
                  if size <= at <= 2 * size and size <= frames - at <= 2 * size]  # fmt: skip
        assert costs[starts.index(windows[1][0])] == min(within or allowed)


def test_a_desktop_is_not_cut_while_a_key_is_down_if_it_can_be_helped() -> None:
    frames = [Frame(index=i, t0_ns=i * 10, t1_ns=i * 10 + 2) for i in range(200)]
    keys = [Action(seq=n, t_ns=t, kind=kind, key="a")  # type: ignore[arg-type]
            for n, (t, kind) in enumerate([(700, "key_down"), (950, "key_up")])]  # fmt: skip
    starts = list(range(0, 200, 15))
    costs = held_costs(starts, frames, keys)
    assert [at for at, cost in zip(starts, costs, strict=True) if cost] == [75, 90]
    assert clip_windows(starts, 200, 15.0, 5.0)[1][0] == 75
    assert clip_windows(starts, 200, 15.0, 5.0, costs)[1][0] == 105


def _rows(*actions: dict[str, Any]) -> list[dict[str, Any]]:
    names = ("x", "y", "dx", "dy", "button", "key", "char")
    return [{"t_ns": n, "redacted": False, **dict.fromkeys(names), **action} for n, action in enumerate(actions)]


def _desktop(tmp_path: Path, arm: str, rows: list[dict[str, Any]], intents: list[Intent]) -> dict[str, str]:
    manifest = make_session(tmp_path / arm, frames=2, arm=arm, control=arm == "random-fast").read_manifest()
    return desktop_captions(manifest, intents, rows, (0, 100))


PRESSED = {"button": "left", "x": 3, "y": 5}
DONE = _rows(
    {"kind": "button_down", **PRESSED}, {"kind": "button_up", **PRESSED},
    {"kind": "key_down", "key": "a", "char": "a"}, {"kind": "key_up", "key": "a"},
    {"kind": "key_down", "key": "b", "char": "b"},
    {"kind": "key_down", "key": "Control_L"}, {"kind": "key_down", "key": "s", "char": "s"},
    {"kind": "key_up", "key": "Control_L"},
    {"kind": "key_down", "redacted": True}, {"kind": "key_down", "redacted": True},
    {"kind": "scroll", "dy": -1},
)  # fmt: skip
MEANT = [
    Intent(seq=0, t_ns=0, t_end_ns=9, verb="click", goal="Save it", target={"role": "push button", "name": "Save"})
]


@pytest.mark.needs("ffmpeg")
def test_a_desktops_captions_are_its_sub_goals_and_its_actions_with_what_they_hit(tmp_path: Path) -> None:
    said = _desktop(tmp_path, "scripted", DONE, MEANT)
    assert said["caption_short"] == said["caption"] == "Save it"
    assert said["caption_detailed"] == (
        "Clicks the push button “Save”; types “ab”; presses Ctrl+S; types something hidden (2 keys); scrolls down."
    )


@pytest.mark.needs("ffmpeg")
def test_a_random_arm_has_no_goal_and_no_target(tmp_path: Path) -> None:
    said = _desktop(tmp_path, "random-fast", DONE, MEANT)
    assert said["caption_short"] == said["caption"] == ""
    assert said["caption_detailed"].startswith("Clicks at (3, 5); types “ab”")
