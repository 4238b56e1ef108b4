"""Data sets and sessions of schema 1.2, which do not say `control`, are read by their arms' names, in every room."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from collector.packing.pack import pack
from collector.sessions.forget import forget
from curation.masked import masked_data_set
from curation.report.table import compare, separations
from curation.scan.look import ScanOptions
from curation.tables import rows_with_scores
from goaltrace import main
from manifests.clip import ClipRow
from manifests.clip_io import ClipReader, open_parquet
from manifests.progress import ignore
from manifests.versions import control_by_arm
from tests.collector.session_folders import make_session
from tests.factories import make_clip, named_anew, write_dataset

ANNA = "p-11111111"
CONTROLS = {"scripted": False, "random-fast": True, "random-slow": True, "shuffled": True, "human": False}


def of_arm(arm: str, seed: int) -> ClipRow:
    row = make_clip("scripted" if arm in ("scripted", "human") else "random-fast", seed, 30, session=f"{arm}-{seed}")
    return {**row, "arm": arm, "actor": f"human:{ANNA}" if arm == "human" else arm}


def to_1_2(dataset: Path, configs: tuple[str, ...] = ("clips", "events")) -> Path:
    """The data set as the release before wrote it."""
    for path in (path for config in configs for path in (dataset / config).glob("*.parquet")):
        table = pq.read_table(path).drop_columns(["control"])
        pq.write_table(table.replace_schema_metadata({"goaltrace_schema_version": "1.2"}), path)
    document = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(document | {"schema_version": "1.2"}))
    return named_anew(dataset)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return to_1_2(write_dataset(tmp_path / "old", [of_arm(arm, seed) for arm in CONTROLS for seed in (0, 1)]))


def controls(dataset: Path) -> dict[str, bool]:
    rows = ClipReader(dataset).index(["arm", "control"]).to_pylist()
    return {row["arm"]: row["control"] for row in rows}


def test_an_arm_is_a_control_by_its_name(old: Path) -> None:
    assert controls(old) == CONTROLS == {arm: control_by_arm(arm) for arm in CONTROLS}
    reader = ClipReader(old)
    assert reader.read("shuffled-0-0000", ["control"]) == {"control": True}
    assert [row["control"] for row in reader.iter_clips()] == [CONTROLS[row["arm"]] for row in reader.iter_clips()]
    assert "control" not in reader.index(["arm"]).column_names
    assert not reader.left_out


def test_curation_reads_it_and_writes_what_it_says(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(old), "--workers", "1"]) == 0
    assert main(["scan", str(old), "--workers", "1"]) == 0
    assert main(["report", str(old)]) == 0
    capsys.readouterr()
    assert main(["report", str(old), "--table", "--json"]) == 0
    assert {arm["arm"]: arm["control"] for arm in json.loads(capsys.readouterr().out)["arms"]} == CONTROLS
    assert main(["select", str(old), "--where", "NOT control", "--out", str(tmp_path / "kept")]) == 0
    assert controls(tmp_path / "kept") == {"scripted": False, "human": False}
    masked_data_set(old, tmp_path / "masked", ScanOptions(), 1, ignore)
    assert controls(tmp_path / "masked") == CONTROLS
    for made in ("kept", "masked"):
        shards = list((tmp_path / made).glob("[ce]*/*.parquet"))
        assert shards and all("control" in open_parquet(shard).schema_arrow.names for shard in shards)


def test_training_reads_it(old: Path) -> None:
    from trainer.data.index import load_index
    from trainer.settings import override
    from trainer.settings.presets import preset

    config = override(preset("tiny"), ["data.window=4", "data.fps=5"])
    index = load_index(old, config.data)
    assert {clip.row["arm"] for clip in [*index.train, *index.held_out]} == set(CONTROLS)


def test_forgetting_leaves_its_shards_as_they_are(old: Path) -> None:
    forget(ANNA, [old])
    assert controls(old) == {arm: control for arm, control in CONTROLS.items() if arm != "human"}
    assert all("control" not in open_parquet(shard).schema_arrow.names for shard in old.glob("[ce]*/*.parquet"))


def test_an_arm_whose_clips_disagree_is_two_groups(tmp_path: Path) -> None:
    """As where recordings of an arm that was renamed into a control are put beside older ones."""
    rows = [of_arm("agent", seed) | {"control": seed > 1} for seed in range(4)]
    dataset = write_dataset(tmp_path / "mixed", rows)
    assert main(["score", str(dataset), "--workers", "1"]) == 0
    table = rows_with_scores(ClipReader(dataset))
    assert [(row.arm, row.control, row.clips) for row in compare(table)] == [("agent", False, 2), ("agent", True, 2)]
    assert {(gap.arm, gap.against) for gap in separations(table)} == {("agent", "agent")}
    assert main(["report", str(dataset)]) == 0


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize("arm", ["scripted", "random-fast"])
def test_a_session_of_1_2_is_read_and_packed(arm: str, tmp_path: Path) -> None:
    folder = make_session(tmp_path / "session", arm=arm)
    document = json.loads(folder.manifest_path.read_text())
    del document["control"]
    folder.manifest_path.write_text(json.dumps(document | {"schema_version": "1.2"}))
    assert folder.read_manifest().control is CONTROLS[arm]
    pack([folder], out=tmp_path / "set")
    assert controls(tmp_path / "set") == {arm: CONTROLS[arm]}
    folder.write_manifest(folder.read_manifest().model_copy(update={"control": not CONTROLS[arm]}))
    assert folder.read_manifest().control is not CONTROLS[arm], "what is said counts, and no name"
