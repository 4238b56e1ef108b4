"""One bad session, clip or cast is named and left out, and the run goes on with the others."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from collector.packing import pack as packing
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder
from manifests.session import SessionFolder
from tests.collector.session_folders import make_session
from tests.strangers.files import Change, changed_json, changed_line, make_clips, run, with_clip


def manifest(**values: Any) -> Change:
    return lambda document: document.update(values)


SESSIONS: dict[str, Any] = {
    "fps 0": ("session.json", manifest(fps=0)),
    "fps NaN": ("session.json", manifest(fps=float("nan"))),
    "fps 1e-300": ("session.json", manifest(fps=1e-300)),
    "fps infinite": ("session.json", manifest(fps=float("inf"))),
    "a seed of 70 bits": ("session.json", manifest(seed=2**70)),
    "half a character": ("session.json", manifest(goal="\ud800")),
    "a width of 40 bits": ("session.json", manifest(width=2**40)),
    "no picture": ("session.json", manifest(width=0)),
    "a kept span that ends first": ("session.json", manifest(keep_ns=[9, 2])),
    "a clock of 80 bits": ("session.json", lambda document: document["clock"].update(wall_unix_ns=2**80)),
    "reversed times": ("frames.jsonl", lambda frame: frame.update(t0_ns=9, t1_ns=3)),
    "a time of 80 bits": ("frames.jsonl", lambda frame: frame.update(t1_ns=2**80)),
    "a pointer of 40 bits": ("frames.jsonl", lambda frame: frame.update(cursor_x=2**40)),
    "a change that is none": ("frames.jsonl", lambda frame: frame.update(changed=float("nan"))),
    "an action of 80 bits": ("actions.jsonl", lambda action: action.update(t_ns=-(2**80))),
    "half a character typed": ("actions.jsonl", lambda action: action.update(char="\udfff")),
    "a place of 40 bits": ("actions.jsonl", lambda action: action.update(x=2**40)),
    "a long number": ("session.json", manifest(seed=10**300)),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("good") / "good", frames=40).path


@pytest.mark.parametrize("name", SESSIONS)
def test_a_bad_session_is_named_and_the_others_are_packed(
    name: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, change = SESSIONS[name]
    for folder in ("bad", "good"):
        shutil.copytree(good, tmp_path / "in" / folder)
    path = tmp_path / "in" / "bad" / file
    changed_json(path, change) if file == "session.json" else changed_line(path, 3, change)
    assert run("pack", tmp_path / "in", "--out", tmp_path / "set") == 0
    said = capsys.readouterr().err
    assert "left out: bad: " in said and "Traceback" not in said and "not for a reason" not in said
    (left,) = DatasetFolder(tmp_path / "set").read_manifest().left_out
    assert left.name == "bad"
    for command in (["sessions", "check"], ["sessions", "recover", "--dry-run"], ["pack", "--dry-run", "--out", "x"]):
        run(*command, tmp_path / "in")
        said = "".join(capsys.readouterr())
        assert "Traceback" not in said and "not for a reason" not in said
    assert run("view", tmp_path / "in" / "bad", "--out", tmp_path / "page.html") == 0


CLIPS: dict[str, Change] = {
    "fps 0": lambda row: row.update(fps=0.0),
    "fps NaN": lambda row: row.update(fps=float("nan")),
    "no video": lambda row: row.update(video=None),
    "empty video": lambda row: row.update(video={"bytes": b"", "path": None}),
    "another video": lambda row: row.update(video={"bytes": b"\0\0\0\x18ftypmp42" + bytes(80), "path": None}),
    "reversed times": lambda row: row.update(t1_ns=row["t1_ns"][::-1]),
    "lists of other lengths": lambda row: row.update(cursor_x=row["cursor_x"][:-1]),
    "no frames": lambda row: row.update({name: [] for name in row if isinstance(row[name], list)}),
    "an empty goal": lambda row: row.update(goal=None),
    "an empty time": lambda row: row.update(t1_ns=[None, *row["t1_ns"][1:]]),
    "a picture of no width": lambda row: row.update(width=0),
    "a picture of 2^31 rows": lambda row: row.update(height=2**31 - 1),
    "an action out of its clip": lambda row: row["actions"][0].update(slot=99),
    "a negative duration": lambda row: row.update(duration_ns=-5),
    "pictures out of order": lambda row: row.update(picture=[5, *row["picture"][1:]]),
    "an id as another's": lambda row: row.update(clip_id="scripted-0-0000"),
}
UNSCORED = ("fps 0", "fps NaN", "an id as another's")
"""What no score depends on."""
ONLY_VIDEO = ("no video", "empty video", "another video")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("clips") / "set")


@pytest.mark.parametrize("name", CLIPS)
def test_a_bad_clip_is_named_and_the_others_are_used(
    name: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tmp_path / "set"
    shutil.copytree(clips, dataset)

    def change(row: dict[str, Any]) -> None:
        if "video" in row or name not in ONLY_VIDEO:
            CLIPS[name](row)

    with_clip(dataset, 2, change)
    assert run("score", dataset, "--workers", 1) == (0 if name in UNSCORED else 2)
    assert run("report", dataset, "--out", tmp_path / "page.html") == 0
    assert run("select", dataset, "--where", "true", "--out", tmp_path / "kept") == 0
    said = "".join(capsys.readouterr())
    assert "Traceback" not in said and "not for a reason" not in said
    kept = ClipReader(tmp_path / "kept").clip_ids()
    assert kept[:2] == ["scripted-0-0000", "scripted-1-0000"]
    assert len(kept) == 2 or name in ("empty video", "another video")
    assert name in ONLY_VIDEO or "left out: " in said


@pytest.mark.parametrize("shard", [{"rows": 10**12}, {"rows": 1e12}, {"bytes": -1}, {"rows": 2**80}])
def test_a_manifest_that_counts_absurdly_is_one_line_at_once(
    shard: dict[str, Any], clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tmp_path / "set"
    shutil.copytree(clips, dataset)
    changed_json(dataset / "dataset.json", lambda document: document["shards"][0].update(shard))
    began = time.monotonic()
    for command in (["report"], ["select", "--where", "true", "--dry-run"], ["score"]):
        assert run(*command, dataset) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 3 and "not for a reason" not in said and time.monotonic() - began < 20


def test_what_nobody_thought_of_is_named_and_counted_and_debug_shows_where(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        shutil.copytree(good, tmp_path / "in" / name)
    whole = packing.read_recorded_session

    def broken(folder: SessionFolder, **options: Any) -> Any:
        if folder.path.name == "a":
            raise ZeroDivisionError("something new")
        return whole(folder, **options)

    monkeypatch.setattr(packing, "read_recorded_session", broken)
    monkeypatch.delenv("GOALTRACE_DEBUG", raising=False)
    assert run("pack", tmp_path / "in", "--out", tmp_path / "set") == 0
    said = capsys.readouterr().err
    assert "left out: a: " in said and "ZeroDivisionError: something new" in said and "--debug" in said
    assert "Traceback" not in said
    monkeypatch.setenv("GOALTRACE_DEBUG", "")  # so that the option's own setting is undone
    assert run("pack", tmp_path / "in", "--out", tmp_path / "again", "--debug") == 0
    assert "Traceback" in capsys.readouterr().err


def test_a_cast_that_cannot_be_drawn_does_not_end_an_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = {"version": 2, "width": 80, "height": 24}
    casts = {
        "repeats": [[0.01 * i, "o", "x\x1b[65535b" * 1000] for i in range(110)],
        "resizes": [[0.1 * i, "r", "500x200" if i % 2 else "499x199"] for i in range(300)],
        "a day": [[0, "o", "hi"], *([3599 * i, "o", "x"] for i in range(1, 24))],
        "erases": [[0.01 * i, "o", "\x1b[2J" * 2000] for i in range(400)],
        "cut sequences": [[0.001 * i, "o", "\x1b[65535" if i % 2 else "b\x1b[1m"] for i in range(20_000)],
        "fine": [[0.1 * i, "o", f"line {i}\r\n"] for i in range(20)],
    }
    for name, events in casts.items():
        first = head | ({"width": 500, "height": 200} if name == "erases" else {})
        lines = [json.dumps(line) + "\n" for line in [first, *events]]
        (tmp_path / f"{name}.cast").write_text("".join(lines))
    began = time.monotonic()
    assert run("import", "cast", tmp_path, "--out", tmp_path / "out", "--workers", 1, "--json") == 1
    entries = json.loads(capsys.readouterr().out)["casts"]
    states = {Path(entry["from"]).stem: entry["state"] for entry in entries}
    assert states == {name: "imported" if name == "fine" else "quarantined" for name in casts}
    assert not any(".tmp" in entry.get("reason", "") for entry in entries)
    assert time.monotonic() - began < 30
