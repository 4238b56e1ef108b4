"""What the commands of curation do, a program can do: typed options in, typed results out, and nothing printed."""

from __future__ import annotations

import dataclasses
import inspect
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import goaltrace
from goaltrace import GoaltraceError, Progress
from manifests.dataset import DatasetFolder, Shard
from manifests.files import sha256_of
from tests.factories import make_dataset


@pytest.fixture(scope="module")
def unscored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("face") / "data", per_arm=2, frames=45, shard_bytes=20_000, pause=8)


@pytest.fixture
def dataset(unscored: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(unscored, tmp_path / "data"))


@pytest.fixture(autouse=True)
def nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> Any:
    yield
    assert capfd.readouterr() == ("", "")


class Heard(list[Progress]):
    """Progress as it came."""

    def __call__(self, progress: Progress) -> None:
        self.append(progress)

    def ends_at(self, work: str) -> int | None:
        """How much was to be done; what was heard last is that it was."""
        mine = [progress for progress in self if progress.work == work and progress.total is not None]
        assert [p.done for p in mine] == sorted(p.done for p in mine) and mine[-1].done == mine[-1].total
        return mine[-1].total


def test_score_says_what_it_made(dataset: Path) -> None:
    heard = Heard()
    done = goaltrace.score(dataset, workers=1, on_progress=heard)
    assert isinstance(done, goaltrace.StageResult)
    made = [table.shard.path for table in DatasetFolder(dataset).read_manifest().scores]
    assert list(done.made) == made and done.reused == done.damaged == ()
    assert heard.ends_at("score") == 4
    assert goaltrace.score(str(dataset)) == goaltrace.StageResult((), tuple(made), ())
    assert goaltrace.score(dataset, workers=1, force=True).made == tuple(made)


def test_score_names_what_is_damaged_and_does_the_rest(dataset: Path) -> None:
    bad = sorted((dataset / "clips").iterdir())[0]
    bad.write_bytes(bad.read_bytes()[:-100])
    done = goaltrace.score(dataset, workers=1)
    assert len(done.made) >= 1 and len(done.damaged) == 1 and str(bad) in done.damaged[0]


def test_scan_finds_and_masks(dataset: Path, tmp_path: Path) -> None:
    heard = Heard()
    done = goaltrace.scan(dataset, workers=1, keep_names=True, on_progress=heard)
    assert isinstance(done, goaltrace.ScanResult)
    assert (done.found.of_clips, dict(done.found.clips), done.masked) == (4, {}, None) and heard.ends_at("scan") == 4
    done = goaltrace.scan(
        dataset, out=tmp_path / "masked", redact=["random-fast"], keep_names=True, workers=1, on_progress=heard
    )
    random = {"random-fast-0-0000", "random-fast-1-0000"}
    assert set(done.found.clips) == random and {"arm", "actor"} < set(done.found.clips["random-fast-0-0000"].columns)
    assert done.masked is not None and (done.masked.path, done.masked.clips) == (tmp_path / "masked", 2)
    assert set(done.masked.left_out) == random and heard.ends_at("mask") == 4


def test_select_says_what_it_keeps(dataset: Path, tmp_path: Path) -> None:
    heard = Heard()
    done = goaltrace.select(dataset, "arm = 'scripted'")
    assert isinstance(done, goaltrace.SelectResult)
    assert (done.out, done.clip_ids, dict(done.left_out)) == (None, ("scripted-0-0000", "scripted-1-0000"), {})
    assert [(entry.arm, entry.clips, entry.of_clips) for entry in done.kept] == [
        ("random-fast", 0, 2), ("scripted", 2, 2),
    ]  # fmt: skip
    made = goaltrace.select(dataset, "arm = 'scripted'", out=tmp_path / "out", on_progress=heard)
    assert made == dataclasses.replace(done, out=tmp_path / "out") and heard.ends_at("select") == 2


def test_merge_says_what_is_in_it(dataset: Path, tmp_path: Path) -> None:
    done = goaltrace.merge([dataset, str(dataset)], out=tmp_path / "out")
    assert isinstance(done, goaltrace.MergeResult)
    assert done.sessions == len(done.clip_ids) == len(done.repeated) == 4 and done.hours > 0


def test_report_compares_arms_and_writes_a_page(dataset: Path, tmp_path: Path) -> None:
    goaltrace.score(dataset, workers=1)
    heard = Heard()
    done = goaltrace.report(dataset, page=False, on_progress=heard)
    assert isinstance(done, goaltrace.ReportResult)
    assert [row.arm for row in done.arms] == ["scripted", "random-fast"] and done.page is None
    assert {gap.score for gap in done.separations} == {"efficacy", "contingency"} and heard.ends_at("report") == 4
    assert goaltrace.report(dataset).page == dataset / "report.html"
    made = goaltrace.report(str(dataset), out=tmp_path / "page.html")
    assert made.page == tmp_path / "page.html" and made.page.is_file()
    assert made.arms == done.arms


def test_publish_says_what_it_would_send_and_leaves_the_hub_library_as_it_was(dataset: Path) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import logging

    logging.set_verbosity_info()
    before = (dict(os.environ), constants.HF_HUB_DISABLE_TELEMETRY)
    try:
        done = goaltrace.publish(dataset, "team/clips", license="CC-BY-4.0", unscanned=True, dry_run=True)
        with pytest.raises(GoaltraceError, match="not scanned"):
            goaltrace.publish(dataset, "team/clips", license="mit", dry_run=True)
        assert logging.get_verbosity() == logging.INFO
        assert (dict(os.environ), constants.HF_HUB_DISABLE_TELEMETRY) == before
    finally:
        logging.set_verbosity_warning()
    assert isinstance(done, goaltrace.PublishResult)
    assert (done.repo, done.url, done.changed, done.license) == ("team/clips", None, False, "cc-by-4.0")
    assert {"README.md", "dataset.json"} < set(done.files) and done.card.startswith("---")


BAD: dict[str, Callable[[Path], object]] = {
    "--workers: -1": lambda dataset: goaltrace.score(dataset, workers=-1),
    "--workers: -2": lambda dataset: goaltrace.scan(dataset, workers=-2),
    "shorter than 3": lambda dataset: goaltrace.scan(dataset, redact=["ab"]),
    "exists already": lambda dataset: goaltrace.scan(dataset, out=dataset),
    "no column 'nothing'": lambda dataset: goaltrace.select(dataset, "nothing > 1"),
    "keeps none of the 4": lambda dataset: goaltrace.select(dataset, "false", out=dataset.parent / "out"),
    "two data sets or more": lambda dataset: goaltrace.merge([dataset]),
    "is a folder": lambda dataset: goaltrace.report(dataset, out=dataset),
    "not a repository name": lambda dataset: goaltrace.publish(dataset, "nobody", dry_run=True),
    "did you mean cc-by-4.0": lambda dataset: goaltrace.publish(dataset, "a/b", license="cc-by-4", dry_run=True),
    "no such data set": lambda dataset: goaltrace.score(dataset / "nowhere"),
}


@pytest.mark.parametrize("said", BAD)
def test_a_bad_option_is_one_error_of_ours(dataset: Path, said: str) -> None:
    before = sorted(path.name for path in dataset.parent.iterdir())
    with pytest.raises(GoaltraceError, match=said):
        BAD[said](dataset)
    assert sorted(path.name for path in dataset.parent.iterdir()) == before


def test_without_a_licence_nothing_is_sent(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(GoaltraceError, match="no licence was given"):
        goaltrace.publish(dataset, "team/clips", unscanned=True)


@pytest.mark.parametrize("name", ["score", "scan", "select", "merge", "report", "publish", "run_stage"])
def test_options_are_given_by_name_and_results_cannot_be_changed(name: str) -> None:
    signature = inspect.signature(getattr(goaltrace, name), eval_str=True)
    options = [p for p in signature.parameters.values() if p.default is not p.empty]
    assert options and all(option.kind is option.KEYWORD_ONLY for option in options)
    result = signature.return_annotation
    assert result.__dataclass_params__.frozen and getattr(goaltrace, result.__name__) is result


@pytest.mark.parametrize("name", ["score", "scan", "select", "merge", "report"])
def test_what_is_written_is_as_private_as_the_data_set(dataset: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    dataset.chmod(0o700)
    before = set(tmp_path.rglob("*"))
    calls: dict[str, Callable[[], object]] = {
        "score": lambda: goaltrace.score(dataset, workers=1),
        "scan": lambda: goaltrace.scan(dataset, workers=1),
        "select": lambda: goaltrace.select(dataset, "true", out=out),
        "merge": lambda: goaltrace.merge([dataset, dataset], out=out),
        "report": lambda: goaltrace.report(dataset, out=tmp_path / "page.html"),
    }
    calls[name]()
    made = set(tmp_path.rglob("*")) - before
    assert made and not [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077]


# A user's own stage.


@dataclass(frozen=True)
class Length:
    clip_id: str
    frames: int
    broken: str = ""


SCHEMA = pa.schema([pa.field("clip_id", pa.string(), nullable=False), ("own_frames", pa.int64())])


def lengths(dataset: Path, shard: Shard, group: int) -> list[Length]:
    rows = pq.ParquetFile(dataset / shard.path).read_row_group(group, columns=["clip_id", "t1_ns"]).to_pylist()
    return [Length(row["clip_id"], len(row["t1_ns"])) for row in rows]


def length_table(lengths: list[Length]) -> pa.Table:
    return pa.table(
        {"clip_id": [one.clip_id for one in lengths], "own_frames": [one.frames for one in lengths]}, SCHEMA
    )


OWN = goaltrace.Stage(
    command="lengths.py", name="lengths", version="1", parameters={"a": 1}, schema=SCHEMA,
    split=goaltrace.row_groups, measure=lengths, table=length_table,
)  # fmt: skip


def test_a_stage_of_ones_own_is_run_selected_by_carried_along_and_reported(dataset: Path, tmp_path: Path) -> None:
    heard = Heard()
    done = goaltrace.run_stage(OWN, dataset, workers=1, on_progress=heard)
    assert done.made and not done.damaged and heard.ends_at("lengths.py") == 4
    assert goaltrace.run_stage(OWN, dataset).made == ()
    kept = goaltrace.select(dataset, "own_frames = 45 AND arm = 'scripted'", out=tmp_path / "out")
    assert len(kept.clip_ids) == 2
    assert goaltrace.run_stage(OWN, tmp_path / "out").made == (), "carried along"
    assert goaltrace.merge([dataset, tmp_path / "out"]).carried == ("lengths",)
    done_report = goaltrace.report(dataset)
    assert [row.means["own_frames"].mean for row in done_report.arms if row.means["own_frames"]] == [45, 45]
    assert {gap.score for gap in done_report.separations} == {"own_frames"}
    assert done_report.page is not None and "own_frames" in done_report.page.read_text()
    card = goaltrace.publish(dataset, "team/clips", license="mit", unscanned=True, dry_run=True).card
    assert "### `lengths`" in card and "`own_frames`" in card


def test_a_damaged_table_of_ones_own_says_which_stage_to_run(dataset: Path) -> None:
    goaltrace.run_stage(OWN, dataset, workers=1)
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    path = dataset / manifest.scores[0].shard.path
    pq.write_table(pa.table({"own_frames": [1]}), path)
    manifest.scores[0].shard.bytes = path.stat().st_size
    manifest.scores[0].shard.sha256 = sha256_of(path)
    folder.write_manifest(manifest)
    with pytest.raises(GoaltraceError, match="no clip_id column of texts; run the stage 'lengths' again"):
        goaltrace.select(dataset, "true")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "My Stage"}, "a name is a letter"),
        ({"command": " "}, "its command is empty"),
        ({"schema": SCHEMA.remove(0)}, "no column clip_id"),
        ({"schema": SCHEMA.set(0, pa.field("clip_id", pa.large_string()))}, "no column clip_id of type string"),
        ({"schema": SCHEMA.append(pa.field("Goal", pa.string()))}, "clips have a column 'Goal' already"),
        ({"schema": SCHEMA.append(pa.field("efficacy", pa.string()))}, "the stage 'intent' has a column 'efficacy'"),
        ({"measure": lambda dataset, shard, piece: []}, "cannot be sent to other processes"),
        ({"measure": partial(lengths, key=lambda row: row)}, "cannot be sent to other processes"),
        ({"table": lambda measures: length_table(measures[1:])}, "its table has 1 rows for 2 clips"),
        ({"table": lambda measures: pa.table({"clip_id": ["a"]})}, "other columns than its schema"),
    ],
)
def test_a_stage_that_cannot_be_is_one_line(dataset: Path, change: dict[str, Any], said: str) -> None:
    if "efficacy" in said:
        goaltrace.score(dataset, workers=1)
    before = DatasetFolder(dataset).read_manifest()
    with pytest.raises(GoaltraceError, match=said.replace("(", r"\(")):
        goaltrace.run_stage(dataclasses.replace(OWN, **change), dataset, workers=1)
    assert DatasetFolder(dataset).read_manifest() == before


SCRIPT = """
import sys
from pathlib import Path
import goaltrace
from tests.curation.test_python_face import OWN, length_table
import dataclasses
import pyarrow.parquet as pq

def measure(dataset, shard, group):
    from tests.curation.test_python_face import lengths
    return lengths(dataset, shard, group)

def main():
    try:
        print(len(goaltrace.run_stage(dataclasses.replace(OWN, measure=measure), sys.argv[1], workers=2).made))
    except goaltrace.GoaltraceError as error:
        sys.exit(str(error))
"""


@pytest.mark.parametrize(
    ("call", "status", "said"),
    [
        ("if __name__ == '__main__': main()", 0, ""),
        ("main()", 1, 'put the call below: if __name__ == "__main__":'),
        (None, 1, "a notebook or of an interactive session"),
    ],
)
def test_a_stage_in_a_script_runs_or_says_in_one_line_why_not(
    dataset: Path, tmp_path: Path, call: str | None, status: int, said: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"{SCRIPT}\n{call or 'main()'}\n")
    command = [sys.executable, *([str(script)] if call else ["-c", script.read_text()]), str(dataset)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert said in done.stderr and len(done.stderr.splitlines()) == status
