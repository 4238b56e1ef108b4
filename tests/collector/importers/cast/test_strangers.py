"""What real recorders and real folders hold: characters cut in two, keys of every kind, one cast twice, sessions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.importers.cast.key_names import is_answer, name_of
from collector.importers.cast.typed import keys
from collector.terminal.cast import open_cast
from goaltrace import main
from manifests.session import SessionFolder, SessionManifest
from tests.collector.importers.cast.broken import V2, A, B
from tests.waiting import PATIENCE_S

DRY = ImportOptions(render=False)


def imported(tmp_path: Path, content: bytes) -> tuple[SessionFolder, SessionManifest]:
    path = tmp_path / "a.cast"
    path.write_bytes(content)
    entry = import_cast(path, tmp_path / "out", DRY)
    folder = SessionFolder(entry.session)
    return folder, folder.read_manifest()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'"\\ud83d"', b'"\\ude00"'), (b'"\\ud83d"', b'"\\udce0"'), (b'"\xe6\xbc"', b'"\xa2"'), (b'"\xc3"', b'"\xa9"'),
        (b'"\xf0\x9f\x98"', b'"\x80"'),
    ],
)  # fmt: skip
def test_a_character_cut_in_two_is_put_together(tmp_path: Path, first: bytes, second: bytes) -> None:
    folder, manifest = imported(tmp_path, V2 + b'[1, "o", %b]\n[1, "i", "x"]\n[2, "o", %b]\n' % (first, second))
    (character,) = "".join(event.data for event in open_cast(folder.cast).events() if event.code == "o")
    assert ord(character) > 0x80 and character != "\ufffd"
    assert "repaired: character cut in two put together: 1" in manifest.notes


@pytest.mark.parametrize("data", [b'"a\\ud83d"', b'"a\xe6\xbc"', b'"a\\ude00"'])
def test_half_a_character_alone_is_replaced(tmp_path: Path, data: bytes) -> None:
    folder, manifest = imported(tmp_path, V2 + b'[1, "o", %b]\n[2, "o", "b"]\n[3, "o", %b]\n' % (data, data))
    text = "".join(event.data for event in open_cast(folder.cast).events())
    assert text.replace("\ufffd", "") == "aba" and text.count("\ufffd") == 2
    assert any("replaced" in note for note in manifest.notes)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("\x1b[1;5D", "ctrl+Left"), ("\x1bOP", "F1"), ("\x1b[15~", "F5"), ("\x1b[24;2~", "shift+F12"),
        ("\0", "ctrl+space"),
        ("\x1b\x1b[A", "alt+Up"), ("\x1bb", "alt+b"), ("\x1b\x7f", "alt+BackSpace"), ("\x1b[Z", "shift+Tab"),
        ("\x1b[97;5u", "ctrl+a"), ("\x1b[97;69u", "ctrl+a"), ("\x1b[65;2u", "A"), ("\x1b[27;5;97~", "ctrl+a"),
        ("\x1b[13;2u", "shift+Return"), ("\x1b[57344u", None), ("\x1b[200~", None), ("\x1b[<0;10;5M", None),
        ("\x1b[M !!", None), ("\x1bP", "alt+P"), ("\x1b]", "alt+bracketright"), ("é", "U00E9"),
    ],
)  # fmt: skip
def test_a_key_is_named_by_what_it_sends(sent: str, name: str | None) -> None:
    assert [(key, name_of(key), is_answer(key)) for _, key in keys(sent)] == [(sent, name, False)]


@pytest.mark.parametrize(
    "sent",
    ["\x1b[24;80R", "\x1b[1;2R", "\x1b[?62;22c", "\x1b[>1;10;0c", "\x1b]11;rgb:1/1/1\x1b\\", "\x1b]11;rgb:1/1/1\a",
     "\x1bP1+r\x1b\\", "\x1b_Gi=1;OK\x1b\\", "\x1b[I", "\x1b[O", "\x1b[?1u", "\x1b[0n", "\x1b[?2026;2$y",
     "\x1b[8;24;80t", "\x1b[97;1:3u"],
)  # fmt: skip
def test_what_a_terminal_answers_is_nobodys_key(sent: str) -> None:
    assert [(key, is_answer(key)) for _, key in keys(sent)] == [(sent, True)]


def test_a_cast_with_answers_only_has_no_actions(tmp_path: Path) -> None:
    folder, manifest = imported(tmp_path, V2 + A + b'[1, "i", "\\u001b[?62;22c\\u001b[3;1R"]\n' + B)
    assert folder.actions() == []
    assert manifest.notes == ["actions: none (the input events are a terminal's answers)"]
    assert sum(event.code == "i" for event in open_cast(folder.cast).events()) == 1, "the cast keeps them"


def test_a_title_of_any_kind_is_a_goal_of_one_line(tmp_path: Path) -> None:
    title = json.dumps("two\nlines \x1b[31mand more\x07 " + "x" * 3000).encode()
    _, manifest = imported(tmp_path, V2.replace(b"}", b', "title": ' + title + b"}") + A)
    assert manifest.goal.startswith("two lines [31mand more x") and len(manifest.goal) == 1000


def test_one_cast_under_many_names_is_imported_once_by_several_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        (tmp_path / "in" / str(number)).mkdir(parents=True)
        (tmp_path / "in" / str(number) / "x.cast").write_bytes(V2 + A)
    command = ["import", "cast", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-render", "--workers", "2"]
    assert main([*command, "--json"]) == 0
    states = sorted(entry["state"] for entry in json.loads(capsys.readouterr().out)["casts"])
    assert states == ["imported"] + ["there already"] * 3
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_sessions_in_a_folder_are_not_taken_for_casts(tmp_path: Path) -> None:
    (tmp_path / "x.cast").write_bytes(V2 + A)
    command = ["import", "cast", str(tmp_path), "--out", str(tmp_path), "--no-render", "--workers", "1"]
    assert main(command) == main(command) == 0
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1, "also where they lie beside the casts"


def test_out_may_not_be_a_file_nor_in_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.cast"
    path.write_bytes(V2 + A)
    for out in (path, path / "deep"):
        assert main(["import", "cast", str(path), "--out", str(out)]) == 2
        assert "is a file; --out wants a folder" in capsys.readouterr().err


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize("at", [0.01, 0.5, 1.0, 2.0333])
def test_the_last_output_is_seen(tmp_path: Path, at: float) -> None:
    path = tmp_path / "a.cast"
    path.write_bytes(V2 + b'[0, "o", "begun"]\n[%f, "o", "over"]\n' % at)
    folder = SessionFolder(import_cast(path, tmp_path / "out", ImportOptions()).session)
    last = folder.frames()[-1]
    assert 0 <= last.t0_ns - round(at * 1e9) <= 1e9 / 15
    assert 0 <= folder.read_manifest().duration_ns - last.t0_ns <= 1


@pytest.mark.parametrize("stopped", [False, True])
def test_ctrl_c_stops_at_once_and_leaves_no_half_session_even_when_pressed_twice(tmp_path: Path, stopped: bool) -> None:
    """Also where it comes while the process is stopped: the kernel then gives it to any of its threads."""
    lines = "".join(f'[{n / 50}, "o", "{n:060}\\r\\n"]\n' for n in range(150_000))  # tens of seconds to search
    for number in range(6):
        (tmp_path / f"{number}.cast").write_bytes(V2 + f'[0, "o", "{number}"]\n{lines}'.encode())
    out = tmp_path / "out"
    command = [sys.executable, "-m", "goaltrace", "import", "cast", str(tmp_path), "--out", str(out), "--no-render"]
    command += ["--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as run:
        while not (out.is_dir() and len(list(out.iterdir())) == 2):
            assert run.poll() is None
            time.sleep(0.05)
        if stopped:
            os.kill(run.pid, signal.SIGSTOP)
        for _ in range(2):
            os.killpg(run.pid, signal.SIGINT)
            time.sleep(0.1)
        os.kill(run.pid, signal.SIGCONT)
        try:
            said = run.communicate(timeout=PATIENCE_S)[1]
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode in (130, -signal.SIGINT), "the second may come when Python itself has ended"
    assert said.strip().split("\n")[-1] == "goaltrace import: stopped" and "Traceback" not in said
    assert list(out.iterdir()) == []
