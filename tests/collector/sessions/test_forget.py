"""`goaltrace sessions forget`: nothing of the person stays, nothing of anyone else goes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import goaltrace
from collector.packing.pack import pack
from collector.sessions.forget import forget, plan_forget, remove
from manifests.clip_io import ClipReader, open_parquet
from manifests.consent import Consent
from manifests.dataset import DatasetFolder, ScoreTable, Shard
from manifests.errors import GoaltraceError
from manifests.files import sha256_of, write_json
from manifests.session import SessionFolder
from tests.collector.session_folders import make_new, make_session

pytestmark = pytest.mark.needs("ffmpeg")
ANNA, BERT = "p-11111111", "p-22222222"


def by_person(path: Path, consent_id: str) -> SessionFolder:
    consent = Consent(consent_id=consent_id, text_version="1", text_sha256="0", given_at="2026-01-01T00:00:00Z",
                      given_in="page")  # fmt: skip
    folder = make_session(path, frames=30, actor=f"human:{consent_id}", consent_id=consent_id, arm="human")
    folder.intents_path.unlink()
    write_json(folder.consent_path, consent)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people and an agent, packed into one data set with scores and a report."""
    path = tmp_path_factory.mktemp("whole")
    sessions = [
        by_person(path / "sessions" / "anna-session-one-0000", ANNA),
        make_session(path / "sessions" / "agent-session-0000", frames=30),
        by_person(path / "sessions" / "bert-session-one-0000", BERT),
        by_person(path / "sessions" / "later" / "anna-session-two-0001", ANNA),
    ]
    pack(sessions, out=path / "set", shard_bytes=8000)
    add_scores(path / "set")
    for name in ("anna", "bert"):
        (path / f"{name}.html").write_text(f"<p>{name}-session-one-0000-0000</p>")
    return path


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy of `whole`, to be changed."""
    return Path(shutil.copytree(whole, tmp_path, dirs_exist_ok=True))


def add_scores(dataset: Path) -> None:
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    for number, name in enumerate(folder.shard_names(manifest, "clips")):
        table = open_parquet(dataset / name).read(columns=["clip_id"])
        table = table.append_column("efficacy", [[float(i) for i in range(len(table))]])
        path = dataset / "scores" / f"intent-{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(table, path)
        shard = Shard(path=f"scores/{path.name}", rows=len(table), bytes=path.stat().st_size, sha256=sha256_of(path))
        manifest.scores.append(ScoreTable(shard=shard, name="intent", stage_version="1", columns=table.column_names))
    manifest.lineage[0].parameters["where"] = f"actor != 'human:{ANNA}'"
    folder.write_manifest(manifest)


def everything(root: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file())


def require_consistent(dataset: Path) -> None:
    """dataset.json names every file that is there, with its hash and rows; the counts are those of the rows."""
    manifest = DatasetFolder(dataset).read_manifest()
    shards = [*manifest.shards, *(table.shard for table in manifest.scores)]
    assert {dataset / shard.path for shard in shards} == set(dataset.rglob("*.parquet"))
    for shard in shards:
        assert sha256_of(dataset / shard.path) == shard.sha256
        assert open_parquet(dataset / shard.path).metadata.num_rows == shard.rows
    reader = ClipReader(dataset)
    rows = list(reader.iter_clips())
    assert manifest.counts.clips == len(rows) == len(reader.index())
    assert manifest.counts.frames == sum(len(row["t0_ns"]) for row in rows)
    assert manifest.counts.sessions == len({row["session_id"] for row in rows})


def test_nothing_of_the_person_stays(root: Path) -> None:
    assert ANNA.encode() in everything(root)
    forget(ANNA, [root])
    left = everything(root)
    assert ANNA.encode() not in left
    assert b"anna" not in left
    assert not list(root.rglob("*anna*"))
    require_consistent(root / "set")


def test_nothing_of_anyone_else_goes(root: Path) -> None:
    before = {row["clip_id"]: row for row in ClipReader(root / "set").iter_clips()}
    untouched = {p: p.read_bytes() for p in (root / "sessions").rglob("*") if p.is_file() and "anna" not in str(p)}
    forget(ANNA, [root])
    after = {row["clip_id"]: row for row in ClipReader(root / "set").iter_clips()}
    assert set(after) == {"agent-session-0000-0000", "bert-session-one-0000-0000"}
    assert all(after[clip_id] == before[clip_id] for clip_id in after), "also the video's bytes"
    assert all(path.read_bytes() == content for path, content in untouched.items())
    assert (root / "bert.html").is_file()
    scores = {
        row["clip_id"]
        for table in DatasetFolder(root / "set").read_manifest().scores
        for row in open_parquet(root / "set" / table.shard.path).read().to_pylist()
    }
    assert scores == set(after)


def test_rewritten_shards_keep_their_form(root: Path) -> None:
    pack([SessionFolder(p) for p in sorted((root / "sessions").glob("*-session-*"))], out=root / "wide")
    name = DatasetFolder(root / "wide").read_manifest().shards[0].path
    old = pq.ParquetFile(root / "wide" / name)
    form, schema = _form(old), old.schema_arrow
    forget(ANNA, [root / "wide"])
    name = DatasetFolder(root / "wide").read_manifest().shards[0].path
    new = pq.ParquetFile(root / "wide" / name, page_checksum_verification=True)
    assert new.metadata.num_rows == 2
    assert new.schema_arrow.equals(schema, check_metadata=True)
    assert _form(new) == form
    data = bytearray((root / "wide" / name).read_bytes())
    video = next(ClipReader(root / "wide").iter_clips())["video"]["bytes"]
    data[data.index(video) + len(video) // 2] ^= 1  # stored plain
    (root / "wide" / name).write_bytes(data)
    with pytest.raises(GoaltraceError, match="damaged"):
        list(ClipReader(root / "wide").iter_clips())


def _form(file: pq.ParquetFile) -> list[tuple[str, str, bool]]:
    group = file.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return [(c.path_in_schema, c.compression, c.has_offset_index) for c in columns]


def test_what_is_left_says_that_something_was_forgotten_and_not_who(root: Path) -> None:
    before = sha256_of(root / "set" / "dataset.json")
    forget(ANNA, [root])
    step = DatasetFolder(root / "set").read_manifest().lineage[-1]
    assert step.command == "goaltrace sessions forget"
    assert step.parameters["clips_removed"] == 2
    assert [i.sha256 for i in step.inputs] == [before], "whoever has a copy can tell that it is the one to delete"


def test_a_data_set_can_be_forgotten_without_the_sessions(root: Path) -> None:
    plan = forget(ANNA, [root / "set"])
    assert not plan.sessions
    require_consistent(root / "set")
    assert ANNA.encode() not in everything(root / "set")
    assert (root / "sessions" / "anna-session-one-0000").is_dir()


def test_a_clip_is_known_by_its_session_too(root: Path) -> None:
    """A data set whose actors were renamed still loses the clips of the sessions that are named by a consent."""
    table = DatasetFolder(root / "set").read_manifest()
    for shard in table.shards:
        path = root / "set" / shard.path
        rows = pq.read_table(path)
        rows = rows.set_column(rows.column_names.index("actor"), "actor", [["someone"] * len(rows)])
        pq.write_table(rows, path)
    plan = forget(ANNA, [root])
    assert plan.datasets[0].clips == 2
    assert b"anna" not in everything(root)


def test_a_dry_run_changes_nothing(root: Path) -> None:
    before = everything(root)
    plan = forget(ANNA, [root], dry_run=True)
    assert everything(root) == before
    assert [p.name for p in plan.sessions] == ["anna-session-one-0000", "anna-session-two-0001"]
    assert (plan.datasets[0].clips, [p.name for p in plan.pages]) == (2, ["anna.html"])


def test_twice_finds_nothing_the_second_time(root: Path) -> None:
    forget(ANNA, [root])
    after = everything(root)
    assert not forget(ANNA, [root])
    assert everything(root) == after


def test_a_data_set_that_loses_everything_is_empty_and_whole(root: Path) -> None:
    pack([SessionFolder(root / "sessions" / "anna-session-one-0000")], out=root / "hers")
    forget(ANNA, [root])
    require_consistent(root / "hers")
    assert len(ClipReader(root / "hers")) == 0


@pytest.mark.parametrize("step", range(12))
def test_stopped_at_any_point_a_data_set_is_old_or_new(root: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Killed before the n-th rename or removal of a file."""
    before = {shard.path for shard in DatasetFolder(root / "set").read_manifest().shards}
    steps = 0
    replace, unlink, os_replace = Path.replace, Path.unlink, os.replace

    class Killed(BaseException):
        pass

    def count() -> None:
        nonlocal steps
        steps += 1
        if steps > step:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda self, target: (count(), replace(self, target))[1])
        patched.setattr(Path, "unlink", lambda self, missing_ok=False: (count(), unlink(self, missing_ok))[1])
        patched.setattr(os, "replace", lambda source, target: (count(), os_replace(source, target))[1])
        with pytest.raises(Killed):
            remove(plan_forget(ANNA, [root]))
    manifest = DatasetFolder(root / "set").read_manifest()
    for shard in [*manifest.shards, *(table.shard for table in manifest.scores)]:
        assert sha256_of(root / "set" / shard.path) == shard.sha256
    assert ({shard.path for shard in manifest.shards} == before) == (
        len(list(ClipReader(root / "set").iter_clips())) == 4
    )
    forget(ANNA, [root])
    assert b"anna" not in everything(root)
    assert not list(root.rglob("*anna*"))
    require_consistent(root / "set")


def test_a_broken_session_is_forgotten_as_well(root: Path) -> None:
    session = root / "sessions" / "anna-session-one-0000"
    for name in ("session.json", "consent.json"):
        os.truncate(session / name, (session / name).stat().st_size - 3)
    forget(ANNA, [root])
    assert not session.exists()


def test_a_session_being_recorded_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SessionFolder(root / "sessions" / "anna-session-one-0000")
    folder.write_manifest(folder.read_manifest().model_copy(update={"state": "recording"}))
    make_new(folder.frames_path, monkeypatch)
    before = everything(root)
    with pytest.raises(GoaltraceError, match="being recorded now"):
        forget(ANNA, [root])
    assert everything(root) == before


def test_an_agents_name_is_no_consent(root: Path) -> None:
    assert not plan_forget("scripted", [root])
    with pytest.raises(GoaltraceError, match="pseudonym"):
        plan_forget("../x", [root])


def test_a_folder_that_holds_others_is_not_removed(root: Path) -> None:
    (root / "sessions" / "consent.json").write_text(json.dumps({"consent_id": ANNA}))
    with pytest.raises(GoaltraceError, match="move that out"):
        forget(ANNA, [root])
    assert (root / "sessions" / "bert-session-one-0000").is_dir()


def test_a_damaged_data_set_is_named_and_left_alone(root: Path) -> None:
    shard = root / "set" / DatasetFolder(root / "set").read_manifest().shards[0].path
    os.truncate(shard, 100)
    before = everything(root / "set")
    plan = forget(ANNA, [root])
    assert str(shard) in plan.unread[0]
    assert everything(root / "set") == before


def test_what_an_interrupted_pack_left_is_removed(root: Path) -> None:
    manifest = DatasetFolder(root / "set").read_manifest()
    left = root / ".other.1234.tmp" / "clips"
    left.mkdir(parents=True)
    for shard in manifest.shards:
        if shard.path.startswith("clips/"):
            (left / Path(shard.path).name).write_bytes((root / "set" / shard.path).read_bytes())
    forget(ANNA, [root])
    assert b"anna" not in everything(root)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`goaltrace sessions ...` where nobody answers: status, output, errors."""

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with open(os.devnull, encoding="utf-8") as nobody:
            monkeypatch.setattr("sys.stdin", nobody)
            status = goaltrace.main(["sessions", *map(str, arguments)])
        return status, *capsys.readouterr()

    return command


def test_the_command_asks_first_and_says_what_it_did(root: Path, run: Run) -> None:
    status, _, error = run("forget", "--consent", ANNA, root)
    assert status == 2
    assert "--yes" in error
    status, seen, _ = run("forget", "--consent", ANNA, root, "--dry-run")
    assert status == 0
    assert "would remove: 2 of 4 clips" in seen
    status, done, error = run("forget", "--consent", ANNA, root, "--yes")
    assert status == 0, error
    assert done == seen.replace("would remove", "removed")
    assert done.count("\nremoved: session ") == 2
    assert "not reached: films, pages and models of older releases" in done
    status, again, _ = run("forget", "--consent", ANNA, root, "--yes")
    assert status == 1
    assert again.startswith(f"{ANNA}: nothing under ")
    assert json.loads(run("forget", "--consent", BERT, root, "--yes", "--json")[1])["removed"]


@pytest.mark.parametrize(("answer", "goes"), [(b"n\n", False), (b"\n", False), (b"\x04", False), (b"y\n", True)])
def test_on_a_terminal_only_a_yes_removes(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: bytes, goes: bool
) -> None:
    ours, theirs = os.openpty()
    os.write(ours, answer)
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        status = goaltrace.main(["sessions", "forget", "--consent", ANNA, str(root)])
    os.close(ours)
    assert status == (0 if goes else 1)
    assert "would remove: session" in capsys.readouterr().out
    assert (ANNA.encode() in everything(root)) is not goes


def test_check_and_recover_as_commands(root: Path, run: Run) -> None:
    one = SessionFolder(root / "sessions" / "agent-session-0000")
    assert run("check", root / "sessions")[0] == 0
    os.truncate(one.screen, one.screen.stat().st_size // 2)
    status, checked, _ = run("check", root / "sessions")
    assert status == 1
    assert "agent-session-0000/frames.jsonl: frame " in checked
    report = json.loads(run("check", root / "sessions", "--json")[1])
    assert [entry["damaged"] for entry in report].count(True) == 1
    status, recovered, error = run("recover", root / "sessions")
    assert status == 0, error
    assert "1 recovered" in recovered
    assert run("check", root / "sessions")[0] == 0
    again = json.loads(run("recover", root, "--json")[1])
    assert {entry["status"] for entry in again} == {"fine"}
