"""Merging makes one data set of several: every clip as it was, nothing twice, and all that is known of them kept."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import goaltrace
from curation.merge import merge
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder, LeftOutItem
from manifests.errors import GoaltraceError
from manifests.files import sha256_of
from manifests.progress import Progress
from tests.factories import make_clip, named_anew, write_dataset

SINCE_1_0 = ["picture", "frame_redacted", "screen_text", "caption_short", "caption_detailed"]


@pytest.fixture(scope="module")
def clips() -> list[dict[str, Any]]:
    """Five clips: two of one session, three of others."""
    first = make_clip("scripted", 0, frames=40, pause=8)
    later = make_clip("scripted", 1, frames=40, pause=8) | {
        "session_id": first["session_id"], "clip_id": f"{first['session_id']}-0001", "clip_index": 1,
    }  # fmt: skip
    return [first, later, *(make_clip("random-fast", seed, frames=30) for seed in range(3))]


@pytest.fixture
def two(clips: list[dict[str, Any]], tmp_path: Path) -> tuple[Path, Path]:
    """Two data sets without a clip in common."""
    return write_dataset(tmp_path / "a", clips[:3]), write_dataset(tmp_path / "b", clips[3:])


def run(*words: object) -> int:
    return goaltrace.main([str(word) for word in words])


def everything(dataset: Path) -> dict[str, dict[str, Any]]:
    reader = ClipReader(dataset)
    return {clip_id: reader.read(clip_id) for clip_id in reader.clip_ids()}


def test_every_clip_is_there_bit_for_bit(two: tuple[Path, Path], tmp_path: Path) -> None:
    assert run("merge", *two, "--out", tmp_path / "c") == 0
    a, b, c = (everything(path) for path in (*two, tmp_path / "c"))
    assert c == a | b and list(c) == [*a, *b]
    events = ClipReader(tmp_path / "c").index()
    assert events.column("clip_id").to_pylist() == list(c)


def test_dataset_json_counts_all_and_has_the_lineage_of_all(two: tuple[Path, Path], tmp_path: Path) -> None:
    folders = [DatasetFolder(path) for path in (*two, tmp_path / "c")]
    for folder, name in zip(folders, ("one", "two"), strict=False):
        manifest = folder.read_manifest()
        manifest.left_out.append(LeftOutItem(name=name, reason=f"its folder {folder.path / 'x'} is broken"))
        manifest.lineage[0].parameters = {"of": name}
        folder.write_manifest(manifest)
    merge(two, out=tmp_path / "c")
    a, b, c = (folder.read_manifest() for folder in folders)
    assert (c.counts.clips, c.counts.sessions, c.counts.frames) == (5, 4, 2 * 40 + 3 * 30)
    assert c.counts.actions == a.counts.actions + b.counts.actions
    assert c.counts.hours == pytest.approx(a.counts.hours + b.counts.hours)
    assert c.counts.sessions_by_outcome == {"success": 1, "unverified": 3}
    assert c.lineage[:-1] == [*a.lineage, *b.lineage]
    assert c.lineage[-1].command == "goaltrace merge"
    assert [i.sha256 for i in c.lineage[-1].inputs] == [sha256_of(folder.manifest_path) for folder in folders[:2]]
    assert [left.name for left in c.left_out] == ["one", "two"]
    assert str(tmp_path) not in folders[2].manifest_path.read_text(), "where the inputs lay is nobody's business"


def test_a_data_set_merged_with_itself_is_itself(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("merge", two[0], two[0], "--out", tmp_path / "c") == 0
    assert "3 clips are in more than one data set, and kept once: scripted-0-0000" in capsys.readouterr().out
    assert everything(tmp_path / "c") == everything(two[0])
    a, c = (DatasetFolder(path).read_manifest() for path in (two[0], tmp_path / "c"))
    assert c.counts == a.counts and c.lineage[:-1] == a.lineage
    assert [shard.sha256 for shard in c.shards] == [shard.sha256 for shard in a.shards], "the very same bytes"


@pytest.mark.parametrize("change", [{"goal": "another"}, {"video": None}])
def test_a_clip_that_differs_under_the_same_id_is_refused(
    clips: list[dict[str, Any]], tmp_path: Path, change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    if "video" in change:
        change = {"video": make_clip("scripted", 7, frames=40, pause=8)["video"]}
    a, b = write_dataset(tmp_path / "a", clips[:2]), write_dataset(tmp_path / "b", [clips[0] | change, clips[3]])
    assert run("merge", a, b, "--out", tmp_path / "c") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert str(a) in line and str(b) in line and clips[0]["clip_id"] in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_clip_that_is_broken_in_one_is_taken_from_the_other(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    broken = clips[0] | {"t1_ns": [*clips[0]["t1_ns"][:-1], 0]}
    a, b = write_dataset(tmp_path / "a", [broken, clips[1]]), write_dataset(tmp_path / "b", [clips[0]])
    for order in ((a, b), (b, a)):
        shutil.rmtree(tmp_path / "c", ignore_errors=True)
        done = merge(order, out=tmp_path / "c")
        assert set(done.clip_ids) == {clips[0]["clip_id"], clips[1]["clip_id"]} and not done.left_out
        assert everything(tmp_path / "c")[clips[0]["clip_id"]] == everything(b)[clips[0]["clip_id"]]
        assert not DatasetFolder(tmp_path / "c").read_manifest().left_out


def test_a_broken_clip_is_left_out_by_name(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    broken = clips[0] | {"t1_ns": [*clips[0]["t1_ns"][:-1], 0]}
    a, b = write_dataset(tmp_path / "a", [broken, clips[2]]), write_dataset(tmp_path / "b", [clips[3]])
    heard: list[Progress] = []
    done = merge([a, b], out=tmp_path / "c", on_progress=heard.append)
    assert done.left_out == {clips[0]["clip_id"]: "t1_ns does not increase"}
    assert [p.message for p in heard if p.message] == [f"left out: {clips[0]['clip_id']}: t1_ns does not increase"]
    (left,) = DatasetFolder(tmp_path / "c").read_manifest().left_out
    assert left.name == clips[0]["clip_id"]


def test_scores_are_taken_along_where_every_data_set_has_them(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in two:
        goaltrace.score(path, workers=1)
    goaltrace.scan(two[0], workers=1)
    done = merge(two, out=tmp_path / "c")
    assert done.carried == ("intent",) and done.not_carried == {"scan": f"{two[1]} has none"}
    before = {row["clip_id"]: row for path in two for file in sorted((path / "scores").glob("intent*"))
              for row in pq.read_table(file).to_pylist()}  # fmt: skip
    (table,) = (tmp_path / "c" / "scores").iterdir()
    assert {row["clip_id"]: row for row in pq.read_table(table).to_pylist()} == before
    assert goaltrace.score(tmp_path / "c", workers=1).made == ()
    assert run("merge", *two, "--dry-run") == 0
    out = capsys.readouterr().out
    assert "taken along: the tables of intent\n" in out
    assert f"not taken along: the tables of scan: {two[1]} has none" in out


def test_scores_of_another_way_are_not_taken_along(two: tuple[Path, Path], tmp_path: Path) -> None:
    for path in two:
        goaltrace.scan(path, workers=1, redact=("zq-mine",) if path == two[0] else ())
    done = merge(two, out=tmp_path / "c")
    assert done.carried == () and "different parameters" in done.not_carried["scan"]
    assert DatasetFolder(tmp_path / "c").read_manifest().scores == []


def test_a_session_that_comes_together_has_to_be_scanned_anew(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    """What is typed at the end of one clip may be finished in the next, and neither scan saw both."""
    a, b = write_dataset(tmp_path / "a", clips[:1]), write_dataset(tmp_path / "b", clips[1:])
    for path in (a, b):
        goaltrace.score(path, workers=1)
        goaltrace.scan(path, workers=1)
    done = merge([a, b], out=tmp_path / "c")
    assert done.carried == ("intent",) and "session scripted-0 come from more than one" in done.not_carried["scan"]
    with pytest.raises(GoaltraceError, match="not scanned for secrets"):
        goaltrace.publish(tmp_path / "c", "team/c", license="mit", dry_run=True)


def test_an_older_data_set_is_merged_as_this_release_writes_it(clips: list[dict[str, Any]], tmp_path: Path) -> None:
    plain = [clip | {"caption_short": "", "caption_detailed": ""} for clip in clips]
    a, b = write_dataset(tmp_path / "a", plain[:3]), write_dataset(tmp_path / "b", plain[2:])
    for path in b.glob("*/*.parquet"):
        table = pq.read_table(path).drop_columns(SINCE_1_0)
        pq.write_table(table.replace_schema_metadata({"goaltrace_schema_version": "1.0"}), path)
    done = merge([a, named_anew(b)], out=tmp_path / "c")
    assert done.repeated == (clips[2]["clip_id"],), "filled in, the clip that both have is the same"
    assert len(done.clip_ids) == 5
    c = everything(tmp_path / "c")
    assert c == everything(a) | everything(b)
    assert c[clips[4]["clip_id"]]["picture"] == list(range(30))
    assert pq.read_schema(next((tmp_path / "c" / "clips").iterdir())).equals(
        pq.read_schema(next((a / "clips").iterdir()))
    )


def test_what_was_merged_can_be_selected_from(two: tuple[Path, Path], tmp_path: Path) -> None:
    for path in two:
        goaltrace.score(path, workers=1)
    merge(two, out=tmp_path / "c")
    done = goaltrace.select(tmp_path / "c", "arm = 'random-fast' AND actions_scored >= 0", out=tmp_path / "d")
    assert done.clip_ids == tuple(f"random-fast-{seed}-0000" for seed in range(3))
    lineage = [step.command for step in DatasetFolder(tmp_path / "d").read_manifest().lineage]
    assert lineage[-2:] == ["goaltrace merge", "goaltrace select"]


def test_a_dry_run_says_the_same_and_writes_nothing(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("merge", *two, two[0], "--out", tmp_path / "c", "--dry-run", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["dry_run"], said["clips"], said["sessions"], len(said["repeated"])) == (True, 5, 4, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert run("merge", *two, "--out", tmp_path / "c", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again == said | {"dry_run": False, "repeated": []}


def test_it_is_private_if_any_of_them_is(two: tuple[Path, Path], tmp_path: Path) -> None:
    two[1].chmod(0o700)
    merge(two, out=tmp_path / "c")
    for path in (tmp_path / "c", *(tmp_path / "c").rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.parametrize("spoil", ["flipped", "another"])
def test_a_shard_that_is_not_the_one_named_leaves_no_output(
    two: tuple[Path, Path], clips: list[dict[str, Any]], tmp_path: Path, spoil: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shard = two[1] / "clips" / "clips-00000.parquet"
    if spoil == "flipped":
        data = bytearray(shard.read_bytes())
        data[data.index(b"ftypisom") + 300] ^= 0xFF
        shard.write_bytes(data)
    else:
        other = write_dataset(tmp_path / "other", [clip | {"goal": "another"} for clip in clips[3:]])
        shutil.copy(other / "clips" / "clips-00000.parquet", shard)
        shutil.rmtree(other)
    assert run("merge", *two, "--out", tmp_path / "c") == 2
    assert str(shard) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--out", "c"], "give two data sets or more"),
        (["a", "b"], "--out is missing"),
        (["a", "nowhere", "--out", "c"], "nowhere: no such data set"),
        (["a", "b", "--out", "b"], "b: exists already"),
    ],
)
def test_a_mistake_is_one_line(
    two: tuple[Path, Path], words: list[str], said: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(two[0].parent)
    assert run("merge", *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


STOPS_AT_THE_SECOND_CLIP = """
import sys, time
from goaltrace import main
from manifests.clip_io import ClipWriter

whole, written = ClipWriter.write_table, []

def write_table(self, clip):
    whole(self, clip)
    written.append(clip)
    if len(written) == 2:
        print("half", flush=True)
        time.sleep(60)

ClipWriter.write_table = write_table
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_leaves_nothing_half_written(two: tuple[Path, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOPS_AT_THE_SECOND_CLIP, "merge", *map(str, two), "--out", str(tmp_path / "c")]
    restored = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **restored
    ) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "half\n"
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and error == "goaltrace merge: stopped\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_full_disk_leaves_nothing_half_written(
    two: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    assert run("merge", *two, "--out", tmp_path / "c") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"{tmp_path / 'c'}: no space left" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_progress_ends_at_the_total(two: tuple[Path, Path], tmp_path: Path) -> None:
    heard: list[Progress] = []
    merge(two, out=tmp_path / "c", on_progress=heard.append)
    assert [(p.work, p.done, p.total) for p in heard] == [("merge", n, 5) for n in range(1, 6)]


def test_the_card_claims_no_scan_of_what_was_merged_in(two: tuple[Path, Path], tmp_path: Path) -> None:
    goaltrace.scan(two[0], workers=1)
    merge(two, out=tmp_path / "c")
    card = goaltrace.publish(tmp_path / "c", "team/c", license="mit", unscanned=True, dry_run=True).card
    assert "**Not scanned as a whole**" in card and "That was before it was merged with others." in card
