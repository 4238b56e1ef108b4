"""Importing NeuralComputer's sessions: as they are, with reasons; what is broken is named and the others go on."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.importers.neuralcomputer.keys import MAX_CELL, KeyChange, key_events
from collector.importers.neuralcomputer.layout import find_sources
from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder, find_sessions

pytestmark = [pytest.mark.e2e, pytest.mark.needs("shared", "ffmpeg")]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SessionFolder]:
    from tests.conftest import SHARED_DATA

    out = tmp_path_factory.mktemp("nc") / "sessions"
    assert main(["import", "neuralcomputer", str(SHARED_DATA / "nc"), "--out", str(out)]) == 0
    return {folder.read_manifest().task_id: folder for folder in find_sessions([out])}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def pictures(path: Path, wanted: Iterable[int]) -> Iterator[np.ndarray[Any, Any]]:
    """The pictures with these numbers, which do not fall, one at a time."""
    with av.open(str(path), "r") as video:
        shown = enumerate(video.decode(video=0))
        number, frame = next(shown)
        for want in wanted:
            while number < want:
                number, frame = next(shown)
            yield frame.to_ndarray(format="rgb24")


def cut_short(video: Path, frames: int) -> None:
    """The first frames of a video, copied."""
    shorter = video.with_name("shorter.mp4")
    command = ["ffmpeg", "-loglevel", "error", "-i", video, "-frames:v", str(frames), "-c", "copy", shorter]
    subprocess.run(command, check=True)
    shorter.replace(video)


def test_both_sessions_are_imported_and_say_what_they_are(imported: dict[str, SessionFolder]) -> None:
    assert sorted(imported) == ["nc-agent-t1", "nc-random-0"]
    for task, arm in (("nc-random-0", "random-fast"), ("nc-agent-t1", "agent")):
        manifest = imported[task].read_manifest()
        assert manifest.control == (arm == "random-fast")
        assert (manifest.arm, manifest.clock.source, manifest.environment) == (arm, "nominal", "import")
        assert (manifest.outcome, manifest.state, manifest.invalid_reasons) == ("unverified", "complete", [])
        assert "re-encoded from mpeg4 yuv420p" in manifest.notes[-1]


def test_reasons_are_measured_on_the_files_themselves(imported: dict[str, SessionFolder]) -> None:
    random, agent = ("\n".join(imported[t].read_manifest().clock.reasons) for t in ("nc-random-0", "nc-agent-t1"))
    assert "the video lasts 30.0 s, the log 44.4 s" in random
    assert "by the clock it lies 115 frames away on average, 217 at most" in random
    assert "173 clicks are flagged and 122 presses can be told apart" in random
    assert "the session took 66.6 s by its own account, the video shows 26.1 s of it" in agent
    assert "54 key events have one time (10.800 s)" in agent
    assert "the pointer is where a press was logged 0.53 s after it" in agent
    assert "1 double_click, 1 scroll, 1 left_click_drag" in agent


def test_every_frame_is_kept_at_its_nominal_time(imported: dict[str, SessionFolder], shared_data: Path) -> None:
    for task, source in (("nc-random-0", "random/record_0.mp4"), ("nc-agent-t1", "agent/t1.mp4")):
        frames = imported[task].frames()
        assert [(f.t0_ns, f.t1_ns) for f in frames] == [(round(i * 1e9 / 15),) * 2 for i in range(len(frames))]
        assert len(frames) == (450 if task == "nc-random-0" else 392)
        chosen = range(0, len(frames), 13)
        ours = pictures(imported[task].screen, (frames[number].picture or 0 for number in chosen))
        for made, theirs in zip(ours, pictures(shared_data / "nc" / source, chosen), strict=True):
            error = np.mean((made.astype(np.float32) - theirs) ** 2)
            assert 10 * np.log10(255**2 / max(error, 1e-9)) > 38


def test_input_keeps_the_times_of_the_log(imported: dict[str, SessionFolder], shared_data: Path) -> None:
    for task, log in (("nc-random-0", "random/record_0.csv"), ("nc-agent-t1", "agent/t1.csv")):
        known = {round(float(row["Timestamp"]) * 1e9) for row in rows_of(shared_data / "nc" / log)}
        actions = imported[task].actions()
        assert {a.t_ns for a in actions if a.kind != "move"} <= known
        assert [a.t_ns for a in actions] == sorted(a.t_ns for a in actions)
        keys = [(a.kind == "key_down") for a in actions if a.kind.startswith("key")]
        assert sum(keys) * 2 == len(keys)


def test_the_random_log_is_followed_row_by_row(imported: dict[str, SessionFolder], shared_data: Path) -> None:
    rows, session = rows_of(shared_data / "nc/random/record_0.csv"), imported["nc-random-0"]
    assert [(f.cursor_x, f.cursor_y) for f in session.frames()] == [(int(r["X"]), int(r["Y"])) for r in rows]
    downs = [(a.key, a.char) for a in session.actions() if a.kind == "key_down"]
    assert downs[:5] == [("p", "p"), ("KP_9", None), ("A", "A"), ("Right", None), ("f", "f")]
    presses = [a for a in session.actions() if a.kind in ("button_down", "button_up")]
    assert presses[0].model_dump(include={"kind", "button", "x", "y"}) == {
        "kind": "button_down", "button": "left", "x": 707, "y": 634
    }  # fmt: skip
    planned = json.loads((shared_data / "nc/random/actions_0.json").read_text())["actions"]
    assert [i.verb for i in session.intents()] == [step["action"] for step in planned]


def test_the_agents_calls_are_intents_and_its_chords_are_keys(imported: dict[str, SessionFolder]) -> None:
    session = imported["nc-agent-t1"]
    intents = session.intents()
    assert [i.verb for i in intents] == [
        "screenshot", "left_click", "double_click", "wait", "left_click", "type", "key", "scroll", "left_click_drag",
        "right_click", "left_click",
    ]  # fmt: skip
    assert intents[1].t_end_ns == 3_066_666_667 and intents[1].target == {"x": 300, "y": 300}
    keys = [(a.kind, a.key) for a in session.actions() if a.kind.startswith("key") and a.t_ns > 14 * 10**9]
    assert keys == [("key_down", "Control_L"), ("key_down", "l"), ("key_up", "l"), ("key_up", "Control_L")]
    typed = [a.key for a in session.actions() if a.kind == "key_down" and a.t_ns < 14 * 10**9]
    assert typed == [{" ": "space", "\n": "Return"}.get(c, c) for c in "echo hello neural computer\n"]
    assert all((a.x, a.y) != (0, 0) for a in session.actions())


def test_they_pack_and_can_be_left_out_of_a_selection(
    imported: dict[str, SessionFolder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(imported["nc-agent-t1"].path), "--out", str(tmp_path / "set")]) == 0
    reader = ClipReader(tmp_path / "set")
    assert reader.manifest.left_out == []
    assert reader.manifest.counts.frames == 392
    assert set(reader.index(["clock_source"]).column("clock_source").to_pylist()) == {"nominal"}
    capsys.readouterr()
    where = "clock_source <> 'nominal'"
    assert main(["select", str(tmp_path / "set"), "--where", where, "--dry-run", "--json"]) == 0
    assert [entry["clips"] for entry in json.loads(capsys.readouterr().out)["kept"]] == [0]
    assert main(["score", str(tmp_path / "set"), "--workers", "1"]) == 0


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return edit


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: (f / "t1.csv").unlink(), "t1.csv: missing; t1.mp4, t1.csv, screen_t1.csv, t1.json make a session"),
        (lambda f: (f / "t1.mp4").unlink(), "t1.mp4: missing"),
        (lambda f: (f / "t1.mp4").write_bytes((f / "t1.mp4").read_bytes()[:5000]), "t1.mp4: not a video"),
        (lambda f: (f / "t1.mp4").write_bytes(b""), "t1.mp4: not a video"),
        (lambda f: (f / "t1.json").write_text("{"), "t1.json: not valid JSON"),
        (lambda f: (f / "t1.json").write_text('{"actions": 3}'), "t1.json: actions: "),
        (_edit("t1.json", '"x": 300', '"x": "DROP"'), "t1.json: actions.2.x: "),
        (lambda f: (f / "t1.csv").write_bytes(b"\xff\xfe\x00"), "t1.csv: byte 0 is not UTF-8"),
        (lambda f: (f / "t1.csv").write_text(""), "t1.csv: row 1: column 'Timestamp' is missing"),
        (_edit("t1.csv", "Left Click", "Left"), "t1.csv: row 1: column 'Left Click' is missing"),
        (_edit("t1.csv", "0.4666666666666667", "soon"), "t1.csv: row 3, column 'Timestamp': 'soon' is not a number"),
        (_edit("t1.csv", "0.4666666666666667", "nan"), "t1.csv: row 3, column 'Timestamp': 'nan' is not a time"),
        (_edit("t1.csv", ",300,", ",3e2,"), "t1.csv: row 4, column 'X': '3e2' is not a number"),
        (_edit("t1.csv", ",300,", ",9999999999,"), "t1.csv: row 4, column 'X': '9999999999' is not a place"),
        (_edit("t1.csv", "300,True", "300,yes"), "t1.csv: row 4, column 'Left Click': 'yes' is not True or False"),
        (_edit("t1.csv", "('keydown', 'e')", "open('x')"), "column 'Key Events': "),
        (_edit("screen_t1.csv", "512,384,False,False,[]", "512"), "screen_t1.csv: row 2, column 'Y': 'None'"),
        (lambda f: (f / "t1.csv").write_text((f / "t1.csv").read_text().splitlines()[0] + "\n"), "holds no rows"),
    ],
)  # fmt: skip
def test_a_broken_session_is_named_and_the_others_go_on(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], reason: str
) -> None:
    shutil.copytree(shared_data / "nc", tmp_path / "in")
    damage(tmp_path / "in" / "agent")
    cut_short(tmp_path / "in" / "random" / "record_0.mp4", frames=20)
    arguments = ["import", "neuralcomputer", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--json"]
    dry = not reason.startswith("t1.mp4: not")
    assert main([*arguments, *(["--dry-run"] if dry else [])]) == 1
    agent, random = json.loads(capsys.readouterr().out)["sessions"]
    assert agent["state"] == "skipped"
    assert reason in agent["reason"] and "\n" not in agent["reason"]
    assert random["state"] == ("would import" if dry else "imported")
    assert sorted(p.name for p in tmp_path.glob("out/*")) == ([] if dry else [Path(random["session"]).name])


def test_a_second_import_makes_nothing_new(
    imported: dict[str, SessionFolder], shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = imported["nc-random-0"].path.parent
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert main(["import", "neuralcomputer", str(shared_data / "nc"), "--out", str(out)]) == 0
    assert capsys.readouterr().out.count("there already") == 2
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_sessions_are_found_side_by_side_and_below(tmp_path: Path) -> None:
    for name in ("a/record_0.mp4", "a/record_0.csv", "a/record_12.csv", "a/actions_3.json", "b/c/t.1.mp4",
                 "b/c/screen_t.1.csv", "b/notes.txt", "b/package.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_sources([tmp_path, tmp_path / "a"])
    assert [source.task_id for source in found] == ["nc-random-0", "nc-random-3", "nc-random-12", "nc-agent-t-1"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(GoaltraceError, match="empty: no NeuralComputer session in it or below"):
        find_sources([tmp_path / "a", tmp_path / "empty"])
    with pytest.raises(GoaltraceError, match="gone: no such folder"):
        find_sources([tmp_path / "gone"])


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        ("[]", []),
        ("", []),
        ("[('keydown', 'ctrl+shift+t')]", [KeyChange(True, name, None) for name in ("Control_L", "Shift_L", "t")]),
        ("[('keyup', 'ctrl++')]", [KeyChange(False, "+", None), KeyChange(False, "Control_L", None)]),
        ("[('keydown', '+')]", [KeyChange(True, "+", "+")]),
        ('[("keydown", "x")]', None),
        ("""[('keydown', "'")]""", [KeyChange(True, "'", "'")]),
        (r"[('keydown', '\\'), ('keyup', '\x41')]", [KeyChange(True, "\\", "\\"), KeyChange(False, "A", "A")]),
        ("[('keydown', 'Return')", None),
        ("[('keydown', 'a')] + [0]", None),
        ("[('keydown', 'a'), ]", None),
        ("[('keydown', '')]", None),
        ("[('keydown', 'two words')]", None),
        (r"[('keydown', '\ud800')]", None),
        (r"[('keydown', '\N{DIGIT ONE}')]", None),
        ("[" * 5000, None),
        ("__import__('os').system('true')", None),
        ("[" + ", ".join(["('keydown', 'a')"] * 3000) + "]", None),
        (" " * (MAX_CELL + 1), None),
    ],
)  # fmt: skip
def test_key_cells_are_read_by_their_own_grammar(cell: str, keys: list[KeyChange] | None) -> None:
    if keys is None:
        with pytest.raises(ValueError, match=r"is not a list|names a key|unknown escape|no character|more than"):
            key_events(cell)
    else:
        assert key_events(cell) == keys


@given(st.lists(st.tuples(st.sampled_from(["keydown", "keyup"]), st.characters(exclude_categories=["Cs"]))))
@example([("keydown", "\\"), ("keyup", "'"), ("keydown", '"')])
def test_whatever_python_wrote_is_read_back_or_refused(events: list[tuple[str, str]]) -> None:
    cell = repr(events)
    try:
        keys = key_events(cell)
    except ValueError:
        assert any(not char.isprintable() for _, char in events) or len(cell) > MAX_CELL
        return
    assert ast.literal_eval(cell) == events
    assert [(key.down, key.char) for key in keys] == [
        (what == "keydown", char if char.isprintable() else None) for what, char in events
    ]


@given(st.text(max_size=200))
def test_any_text_in_a_key_cell_is_keys_or_a_value_error(cell: str) -> None:
    try:
        assert isinstance(key_events(cell), list)
    except ValueError:
        pass
