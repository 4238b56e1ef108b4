"""The card explains every column, and text of the data cannot become markup or YAML."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st

from curation.publish.card import make_card, plain
from curation.publish.columns import CLIP_COLUMNS, SCORE_COLUMNS
from curation.scores.shard import SCHEMA
from manifests.clip import CLIPS_SCHEMA
from manifests.dataset import DatasetFolder
from tests.factories import make_dataset


def test_every_column_is_explained() -> None:
    assert sorted(", ".join(CLIP_COLUMNS).split(", ")) == sorted(CLIPS_SCHEMA.names)
    assert ["clip_id", *SCORE_COLUMNS] == SCHEMA.names


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
