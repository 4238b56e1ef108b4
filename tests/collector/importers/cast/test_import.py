"""What can be mended becomes a session, the rest is left out with one line, and nothing is half done."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.importers.cast.result import CastResult
from collector.terminal.cast import open_cast
from goaltrace import main
from manifests.session import SessionFolder
from tests.collector.importers.cast.broken import IN, V2, A, B, broken
from tests.depth import examples

CORPUS = list(broken())
DRY = ImportOptions(render=False, limit=8 * 2**20)


def whole_or_nothing(entry: CastResult, out: Path) -> None:
    """A session that reads from end to end, or one line and no trace of it."""
    if entry.state == "quarantined":
        reason = entry.reason
        assert reason and "\n" not in reason and len(reason) < 300
        assert not out.exists() or not any(out.iterdir())
        return
    folder = SessionFolder(entry.session)
    manifest = folder.read_manifest()
    assert manifest.state == "complete" and manifest.environment == "import" and manifest.clock.source == "nominal"
    assert len(folder.actions()) == manifest.actions
    events = list(open_cast(folder.cast).events())
    assert events and all(a.t_ns <= b.t_ns for a, b in zip(events, events[1:], strict=False))
    assert [path.name for path in out.iterdir()] == [folder.path.name]


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 60 and len({name for name, *_ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(("name", "content", "state", "says"), CORPUS, ids=[name for name, *_ in CORPUS])
def test_every_broken_cast_is_mended_or_left_out_with_its_reason(
    tmp_path: Path, name: str, content: bytes, state: str, says: str
) -> None:
    path = tmp_path / f"{name}.cast"
    path.write_bytes(content)
    options = ImportOptions(render=False, limit=(8 if "bomb" in name else 80) * 2**20)
    entry = import_cast(path, tmp_path / "out", options)
    assert entry.state == state, entry
    said = entry.reason if state != IN else json.dumps([entry.times, entry.notes])
    assert says in said
    whole_or_nothing(entry, tmp_path / "out")
    assert path.read_bytes() == content, "the original is never touched"


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), good=st.sampled_from([n for n, c, s, _ in CORPUS if s == IN and len(c) < 10_000]))
def test_a_damaged_cast_never_crashes_the_import(
    tmp_path_factory: pytest.TempPathFactory, seed: int, good: str
) -> None:
    rng = random.Random(seed)
    content = bytearray(next(c for n, c, _, _ in CORPUS if n == good))
    for _ in range(rng.randint(1, 8)):
        match rng.randrange(4):
            case 0 if content:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            case 1:
                del content[rng.randrange(len(content) + 1) :]
            case 2:
                lines = content.splitlines(keepends=True)
                rng.shuffle(lines)
                content = bytearray(b"".join(lines))
            case _:
                at = rng.randrange(len(content) + 1)
                content[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 6)))
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "a.cast").write_bytes(content)
    whole_or_nothing(import_cast(folder / "a.cast", folder / "out", DRY), folder / "out")


def test_a_second_run_makes_nothing_new_and_a_gzip_is_the_same_cast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import gzip

    casts, out = tmp_path / "casts", tmp_path / "out"
    casts.mkdir()
    (casts / "good.cast").write_bytes(V2 + A + B)
    (casts / "good.cast.gz").write_bytes(gzip.compress(V2 + A + B))
    (casts / "bad.cast").write_bytes(b"no\n")
    (casts / "notes.json").write_text("{}")
    (casts / "package.json").write_text('{"version": "1.0.0", "width": 3}')
    command = ["import", "cast", str(casts), "--out", str(out), "--no-render", "--json", "--workers", "1"]
    states = []
    for _ in range(2):
        assert main(command) == 1
        states.append(sorted(entry["state"] for entry in json.loads(capsys.readouterr().out)["casts"]))
    assert states == [["imported", "quarantined", "there already"], ["quarantined", "there already", "there already"]]
    listed = [json.loads(line) for line in (out / "quarantine" / "casts.jsonl").read_text().splitlines()]
    assert [(Path(entry["path"]).name, entry["reason"]) for entry in listed] == [
        ("bad.cast", "line 1: not an asciicast header")
    ]
    (casts / "bad.cast").write_bytes(V2 + B)
    assert main(command) == 0
    assert (out / "quarantine" / "casts.jsonl").read_text() == "", "what has been imported since is off the list"


def test_cut_pauses_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_bytes(V2.replace(b"}", b', "idle_time_limit": 2}') + b'[1, "o", "a"]\n[61, "o", "b"]\n[62, "o", "c"]\n')
    entry = import_cast(path, tmp_path / "own", DRY)
    assert SessionFolder(entry.session).read_manifest().duration_ns == 4 * 10**9
    assert entry.times == ("1 pauses were cut to 2 s; 58.0 s are missing in all",)
    entry = import_cast(path, tmp_path / "asked", ImportOptions(render=False, idle_limit=10))
    assert SessionFolder(entry.session).read_manifest().duration_ns == 12 * 10**9


def test_keys_resizes_and_markers_become_actions(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text(
        '{"version": 3, "term": {"cols": 80, "rows": 24}, "title": "A tour", "timestamp": 7}\n'
        '[1, "i", "l\\u001b[A\\u0003"]\n[1, "r", "100x30"]\n[1, "m", "here"]\n[0, "o", "x"]\n[0, "x", "0"]\n'
    )
    entry = import_cast(path, tmp_path / "out", DRY)
    folder = SessionFolder(entry.session)
    assert [(a.kind, a.key, a.char) for a in folder.actions()] == [
        ("key", "l", "l"), ("key", "Up", "\x1b[A"), ("key", "ctrl+c", "\x03"),
        ("resize", None, "100x30"), ("marker", None, "here"),
    ]  # fmt: skip
    manifest = folder.read_manifest()
    assert (manifest.goal, manifest.width, manifest.clock.wall_unix_ns) == ("A tour", 800, 7 * 10**9)


@pytest.mark.needs("ffmpeg", "shared")
def test_the_shared_casts_import_and_are_drawn(tmp_path: Path, shared_data: Path) -> None:
    for path in sorted((shared_data / "casts").glob("*.cast")):
        entry = import_cast(path, tmp_path, ImportOptions())
        assert entry.state == "imported" and entry.repairs == {} and entry.times == (), path.name
        folder = SessionFolder(entry.session)
        assert len(folder.frames()) == folder.read_manifest().frames > 0 and folder.screen.stat().st_size
        typed = any(event.code == "i" for event in open_cast(path).events())
        assert typed != any(note.startswith("actions: none") for note in folder.read_manifest().notes)
