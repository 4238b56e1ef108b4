"""An id is never a path, a name is never a command to a terminal, a link is never followed."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from tqdm import tqdm

from manifests.clip_io import BadClip, ClipReader
from manifests.errors import GoaltraceError
from manifests.ids import is_id
from manifests.plain_text import PlainStream, one_line, plain, plain_output
from manifests.session import SessionFolder, find_sessions
from tests.collector.session_folders import make_session
from tests.strangers.files import changed_json, make_clips, make_terminal, run, with_clip

PATHS = ["../../out", "/tmp/x", "a/b", "..", ".", "", "a\nb", "a\0b", "-rf", "x" * 300, "C:\\x", "né", "a b"]


@pytest.mark.parametrize("name", PATHS)
def test_no_id_is_a_path(name: str) -> None:
    assert not is_id(name)


@pytest.mark.parametrize("column", ["clip_id", "session_id", "episode_id", "task_id"])
@pytest.mark.parametrize("name", ["../../out", "/tmp/x", "a\x1b[2J", "a\nb"])
def test_a_clip_whose_id_is_a_path_is_left_out_by_every_reader(tmp_path: Path, column: str, name: str) -> None:
    reader = ClipReader(with_clip(make_clips(tmp_path / "set"), 1, lambda row: row.update({column: name})))
    assert len(reader.index()) == 2 and len(reader.left_out) == 1
    strange = reader.clip_ids()[1]
    with pytest.raises(BadClip, match="letters, digits"):
        reader.read(strange)


@pytest.mark.parametrize("field", ["session_id", "episode_id", "task_id"])
def test_a_session_whose_id_is_a_path_writes_nothing(
    tmp_path: Path, field: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_terminal(tmp_path / "s", [[0.1, "o", "hi"]])
    changed_json(folder.manifest_path, lambda document: document.update({field: "../../out"}))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = sorted(tmp_path.rglob("*"))
    assert run("export", "cast", folder.path) == 2
    assert f"session.json: {field}:" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_control_characters_are_written_out_and_text_stays() -> None:
    assert plain("a\tb\nc äöü 漢 🙂") == "a\tb\nc äöü 漢 🙂"
    assert plain("\x1b[2J\x07\x9b1m\u202e\x7f\r\ud800") == "\\u001b[2J\\u0007\\u009b1m\\u202e\\u007f\\u000d\\ud800"
    assert one_line("a\nb\tc") == "a b c"


def test_no_word_of_a_file_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = with_clip(make_clips(tmp_path / "set"), 0, lambda row: row.update(arm="x\x1b]0;owned\x07\r\x9b2J"))
    run("select", dataset, "--where", "true", "--dry-run")
    run("report", dataset, "--table")
    whole = make_session(tmp_path / "sessions" / "a")
    strange = SessionFolder(whole.path.rename(whole.path.with_name("a\x1b[2J\nfine: nothing")))
    changed_json(strange.manifest_path, lambda document: document.update(outcome_detail="\x1b[8m", outcome="aborted"))
    run("pack", strange.path.parent, "--out", tmp_path / "packed")
    run("pack", strange.path.parent, "--out", tmp_path / "packed", "--dry-run")
    run("sessions", "check", strange.path.parent)
    run("sessions", "check", tmp_path / "\x1b[31m")
    said = "".join(capsys.readouterr())
    assert "owned" in said and "nothing" in said
    assert not [c for c in said if (c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0"]


def test_progress_bars_are_drawn_as_ever() -> None:
    drawn, plain_one = io.StringIO(), io.StringIO()
    for stream in (plain_one, PlainStream(drawn, bars=True)):
        for _ in tqdm(range(3), file=stream, desc="x", mininterval=0, ncols=40, position=1):  # type: ignore[call-overload]
            pass
    assert "\r" in drawn.getvalue() and "\x1b[A" in drawn.getvalue() and "\\u" not in drawn.getvalue()


def test_a_terminal_that_is_not_utf8_gets_something_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    with plain_output():
        print("ä\x1b")
    assert raw.getvalue() == b"\\xe4\\u001b\n"


@pytest.mark.parametrize("name", ["session.json", "screen.mkv", "frames.jsonl", "actions.jsonl", "terminal.cast"])
def test_links_in_a_session_folder_are_not_followed(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, good = make_session(tmp_path / "in" / "s"), make_session(tmp_path / "in" / "t", session_id="t2")
    secret = tmp_path / "secret"
    (folder.path / name).replace(secret) if (folder.path / name).exists() else secret.write_text("secret")
    before = secret.read_bytes()
    (folder.path / name).symlink_to(secret)
    assert run("pack", tmp_path / "in", "--out", tmp_path / "set") == 0
    assert f"{name}: a link" in capsys.readouterr().err
    assert {row["session_id"] for row in ClipReader(tmp_path / "set").index().to_pylist()} == {"t2"}
    assert run("sessions", "check", folder.path) == 1
    assert "secret" not in capsys.readouterr().out
    run("sessions", "recover", folder.path)
    run("view", folder.path, "--out", tmp_path / "page.html")
    assert secret.read_bytes() == before
    assert good.read_manifest().session_id == "t2"


def test_a_pipe_in_a_session_folder_is_not_waited_for(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s")
    folder.events_path.unlink(missing_ok=True)
    os.mkfifo(folder.events_path)
    with pytest.raises(GoaltraceError, match="no regular file"):
        folder.read_manifest()


def test_a_linked_session_is_read_when_it_is_named_and_only_then(tmp_path: Path) -> None:
    make_session(tmp_path / "real")
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "link").symlink_to(tmp_path / "real")
    (below,) = find_sessions([tmp_path / "many"])
    with pytest.raises(GoaltraceError, match="a link, which is not followed"):
        below.read_manifest()
    (named,) = find_sessions([tmp_path / "many" / "link"])
    assert named.read_manifest().session_id == "real" and isinstance(named, SessionFolder)
