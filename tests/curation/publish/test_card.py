"""The card says what the data says: every column explained, every figure counted, and no text of it is markup."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curation.publish import preview
from curation.publish.card import make_card
from curation.publish.card.text import plain
from curation.publish.columns import CLIP_COLUMNS, SCORE_COLUMNS
from curation.publish.preview import make_preview
from curation.scores.shard import SCHEMA
from curation.stages import STAGES
from curation.tables import rows_with_scores
from goaltrace import main
from manifests.clip import CLIPS_SCHEMA
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder, LeftOutItem, LineageStep, ScoreTable, Shard
from manifests.files import sha256_of
from tests.factories import make_clip, make_dataset, write_dataset


@pytest.fixture(scope="module")
def clip() -> dict[str, Any]:
    return make_clip("scripted", 0, frames=20)


def with_clips(path: Path, clip: dict[str, Any], *changes: dict[str, Any]) -> Path:
    """A data set of this clip, changed; each in a session of its own where none is named."""
    rows = []
    for number, change in enumerate(changes):
        name = change.get("session_id", f"s{number}")
        rows.append(clip | {"session_id": name, "clip_id": f"{name}-{number:04d}"} | change)
    return write_dataset(path, rows)


def section(card: str, title: str) -> str:
    return card.split(f"## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def test_every_column_is_explained() -> None:
    assert sorted(", ".join(CLIP_COLUMNS).split(", ")) == sorted(CLIPS_SCHEMA.names)
    of_stages = [name for stage in STAGES.values() for name in stage.schema.names if name != "clip_id"]
    assert list(SCORE_COLUMNS) == of_stages


@given(st.text())
def test_text_of_the_data_stays_text(text: str) -> None:
    shown = plain(text)
    assert not set("<>\n\r") & set(shown)
    assert "|" not in shown.replace("\\|", "")


def test_hostile_name_does_not_change_the_header(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    manifest.name = "x\n---\nlicense: mit\n# <script>"
    manifest.counts.hours_by_kind = {"desktop\n---\nlicense: mit": 1.0}
    folder.write_manifest(manifest)
    card = DatasetCard(make_card(dataset, "team/x", "cc-by-4.0"))
    assert card.data.license == "cc-by-4.0"
    assert card.data.pretty_name == "x --- license: mit # <script>"
    assert card.text.startswith("<!-- made by goaltrace publish -->")
    assert "<script>" not in card.text


HOSTILE = "<b>`x`</b> | $a$ \\ ```\n## Free {1}"


def test_hostile_text_in_every_column_makes_no_section_and_no_cell(tmp_path: Path, clip: dict[str, Any]) -> None:
    names = ("kind", "task_id", "family", "goal", "actor", "arm", "outcome", "environment", "clock_source")
    dataset = with_clips(tmp_path / "data", clip, dict.fromkeys(names, HOSTILE))
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    manifest.name = HOSTILE
    manifest.left_out = [LeftOutItem(name=HOSTILE, reason=HOSTILE)]
    manifest.lineage = [
        LineageStep(command="goaltrace scan", version=HOSTILE, when_utc=HOSTILE, parameters={"a": HOSTILE})
    ]
    folder.write_manifest(manifest)
    found, _ = make_preview(ClipReader(dataset), ClipReader(dataset).index())
    card = make_card(dataset, "team/x", "mit", found.shown if found else ())
    body = card.split("<!-- made by goaltrace publish -->")[1]
    assert "<b>" not in body
    assert "\n## Free" not in body
    assert body.count("```") == 2 * (body.count("```python") + body.count("```bibtex"))
    for line in body.splitlines():
        if line.startswith("| ") and "&lt;b&gt;" in line:
            assert line.replace("\\|", "").count("|") in (6, 7, 9, 10, 3)


def test_who_acted_is_told_by_kind_and_people_are_only_counted(tmp_path: Path, clip: dict[str, Any]) -> None:
    dataset = with_clips(
        tmp_path / "data", clip, {}, {"arm": "random-fast", "actor": "random-fast", "control": True},
        {"actor": "human:p-one", "arm": "human"}, {"actor": "human:p-one", "arm": "human"},
        {"actor": "human:p-two", "arm": "human"}, {"actor": "unknown", "arm": "cast", "environment": "import"},
        {"actor": "some-model", "arm": "agent"},
    )  # fmt: skip
    card = make_card(dataset, "team/x", "mit")
    rows = [line.split(" | ")[:3] for line in section(card, "Who acted").splitlines() if line.startswith("| ")]
    assert sorted(rows[1:]) == sorted([["| ---", "---", "---"], ["| people", "2 by pseudonym", "3"],
        ["| scripts", "scripted", "1"], ["| controls", "random-fast", "1"], ["| imported", "unknown", "1"],
        ["| models and other agents", "some-model", "1"]])  # fmt: skip
    assert "3 sessions are of 2 people" in section(card, "Privacy")
    assert "p-one" not in card


def test_families_are_told_with_tasks_and_outcomes_and_are_bounded(tmp_path: Path, clip: dict[str, Any]) -> None:
    many = [{"family": f"family-{number:02d}", "task_id": f"task-{number}"} for number in range(31)]
    more = [{"family": "family-00", "task_id": "other", "outcome": "failure"}]
    text = section(make_card(with_clips(tmp_path / "data", clip, *many, *more), "team/x", "mit"), "Tasks and families")
    assert "| family-00 | other, task-0 | 2 | 0.001 | 1 | 1 | 0 | 0 |" in text
    assert "and 1 more families with 1 sessions" in text


def test_limits_are_this_data_sets_own(tmp_path: Path, clip: dict[str, Any]) -> None:
    dataset = with_clips(
        tmp_path / "data",
        clip,
        {"clock_source": "nominal", "outcome": "unverified"},
        {},
        {},
        {"width": 640, "fps": 5.0},
    )
    text = section(make_card(dataset, "team/x", "mit"), "Intended use and limits")
    for said in ("25 % of the hours have times that nobody measured", "25 % of the hours are of sessions whose outcome",
                 "only 256x192, 640x192 px, at 5 to 15 frames a second", "No person acted in it"):  # fmt: skip
        assert said in text


@pytest.mark.parametrize(
    "steps, said",
    [
        ([], "**Not scanned** for secrets or personal data"),
        (
            ["goaltrace scan"],
            "nothing masked by that step**, 2026-02-03T04:05:06+00:00, by GoalTrace 9.9 with rules=all",
        ),
        (["goaltrace scan --mask"], "and what was found masked**, 2026-02-03T04:05:06+00:00, by GoalTrace 9.9"),
    ],
)
def test_privacy_says_whether_it_was_scanned_and_when(
    tmp_path: Path, clip: dict[str, Any], steps: list[str], said: str
) -> None:
    dataset = with_clips(tmp_path / "data", clip, {})
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    manifest.lineage += [
        LineageStep(command=step, version="9.9", when_utc="2026-02-03T04:05:06+00:00", parameters={"rules": "all"})
        for step in steps
    ]
    folder.write_manifest(manifest)
    assert said in section(make_card(dataset, "team/x", "mit"), "Privacy")


def test_each_stage_of_scores_is_a_config_of_its_own(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    assert main(["score", str(dataset), "--workers", "1"]) == 0
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    ids = ClipReader(dataset).clip_ids()
    for stage, name in (("scan", "scan-00000-aa"), ("intent-v2", "intent-v2-00000-bb")):
        path = dataset / f"scores/{name}.parquet"
        pq.write_table(pa.table({"clip_id": ids, f"{stage}-found": [1, 2]}), path)
        shard = Shard(path=f"scores/{name}.parquet", rows=2, bytes=path.stat().st_size, sha256=sha256_of(path))
        manifest.scores.append(ScoreTable(shard=shard, name=stage, stage_version="1", columns=[]))
    folder.write_manifest(manifest)
    card = make_card(dataset, "team/x", "mit")
    header = yaml.safe_load(card.split("---\n")[1])
    paths = {config["config_name"]: config["data_files"][0]["path"] for config in header["configs"]}
    intent = next(score.shard.path for score in manifest.scores if score.name == "intent")
    assert paths == {
        "events": "events/*.parquet", "clips": "clips/*.parquet", "intent": [intent],
        "scan": "scores/scan-*.parquet", "intent-v2": "scores/intent-v2-*.parquet",
    }  # fmt: skip
    features = {info["config_name"]: [f["name"] for f in info["features"]] for info in header["dataset_info"]}
    assert features["scan"] == ["clip_id", "scan-found"]
    assert features["intent"] == SCHEMA.names
    assert "What the scan found is in the config `scan`" in section(card, "Privacy")


def test_preview_shows_each_arm_and_is_small(tmp_path: Path) -> None:
    reader = ClipReader(make_dataset(tmp_path / "data", per_arm=2, frames=40))
    found, reason = make_preview(reader, rows_with_scores(reader))
    assert found is not None
    assert reason == ""
    assert [clip.arm for clip in found.shown] == ["scripted", "random-fast"]
    assert found.png == (make_preview(reader, rows_with_scores(reader))[0] or found).png
    image = Image.open(io.BytesIO(found.png))
    assert image.format == "PNG"
    assert len(found.png) <= preview.MOST_BYTES
    assert image.width > preview.FRAMES * 300


def test_blank_frames_are_not_in_the_preview(tmp_path: Path, clip: dict[str, Any]) -> None:
    blank = {"frame_redacted": [True] * 20}
    reader = ClipReader(with_clips(tmp_path / "all", clip, blank))
    assert make_preview(reader, reader.index()) == (None, "every frame of the clips looked at is blank")
    reader = ClipReader(with_clips(tmp_path / "some", clip, blank, {}))
    found, _ = make_preview(reader, reader.index())
    assert found is not None
    assert [shown.clip_id for shown in found.shown] == ["s1-0001"]


def test_a_video_that_cannot_be_decoded_is_a_warning(
    tmp_path: Path, clip: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = with_clips(tmp_path / "data", clip, {"video": {"bytes": b"no video", "path": "x.mp4"}})
    assert main(["publish", str(dataset), "team/x", "--license", "mit", "--dry-run", "--unscanned", "--json"]) == 0
    said = capsys.readouterr()
    assert "preview.png" not in json.loads(said.out)["files"]
    assert "![" not in json.loads(said.out)["card"]
    (line,) = said.err.strip().splitlines()
    assert line.startswith("no preview.png for the card: ")


def test_nothing_of_this_machine_is_in_the_card(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    card = make_card(dataset, "team/x", "mit")
    assert str(tmp_path) not in card
    assert str(Path.home()) not in card


def test_families_that_no_arm_shows_are_in_the_preview_too(tmp_path: Path, clip: dict[str, Any]) -> None:
    reader = ClipReader(with_clips(tmp_path / "data", clip, *({"family": name} for name in "aabcdefgh")))
    found, _ = make_preview(reader, reader.index())
    assert found is not None
    assert len({shown.clip_id for shown in found.shown}) == len(found.shown) == preview.ROWS
