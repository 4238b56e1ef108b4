"""The report stands alone, trusts no text of the data, and its figures are right."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.report import table
from curation.report.strips import label, typical_clip
from goaltrace import main
from manifests.clip_io import ClipWriter
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest, LeftOutItem, LineageStep
from tests.factories import make_clip, make_dataset

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = make_dataset(tmp_path_factory.mktemp("report") / "data", per_arm=3, frames=90, pause=12)
    assert main(["score", str(dataset), "--workers", "1"]) == 0
    assert main(["report", str(dataset)]) == 0
    return dataset


class Tags(HTMLParser):
    """Every tag with its attributes, and every address in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_report_makes_no_external_request(scored: Path) -> None:
    page = (scored / "report.html").read_text(encoding="utf-8")
    tags = Tags(page)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(tags.names)
    assert tags.addresses
    assert all(address.startswith("data:image/webp;base64,") for address in tags.addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_report_shows_both_arms_with_frames_charts_and_lineage(scored: Path) -> None:
    page = (scored / "report.html").read_text(encoding="utf-8")
    tags = Tags(page)
    assert tags.names.count("img") == 12
    assert tags.names.count("svg") == 2
    for said in ("scripted", "random-fast", "Light every box", "goaltrace score", "success", "95 %"):
        assert said in page


def test_goal_text_cannot_inject_html(tmp_path: Path) -> None:
    row = make_clip("scripted", 0, frames=30) | {"goal": HOSTILE, "family": HOSTILE, "arm": HOSTILE, "outcome": HOSTILE}
    counter = ClipCounter()
    counter.add(row)
    with ClipWriter(tmp_path / "data") as writer:
        writer.write(row)
    manifest = DatasetManifest(
        name=HOSTILE, counts=counter.result(), shards=writer.shards,
        lineage=[LineageStep(command=HOSTILE, parameters={HOSTILE: HOSTILE})],
        left_out=[LeftOutItem(name=HOSTILE, reason=HOSTILE)],
    )  # fmt: skip
    DatasetFolder(tmp_path / "data").write_manifest(manifest)
    assert main(["score", str(tmp_path / "data")]) == 0
    assert main(["report", str(tmp_path / "data")]) == 0
    page = (tmp_path / "data" / "report.html").read_text(encoding="utf-8")
    tags = Tags(page)
    assert "script" not in tags.names
    assert tags.handlers == []
    assert all(address.startswith("data:image/webp") for address in tags.addresses)
    assert "{{ 7 * 7 }}" in page


def test_json_and_text_tables_agree(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(scored), "--table", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["report", str(scored), "--table"]) == 0
    text = capsys.readouterr().out
    goal, random = found["arms"]
    assert (goal["arm"], random["arm"]) == ("scripted", "random-fast")
    for score in table.SCORES:
        assert goal["means"][score]["mean"] > random["means"][score]["mean"]
        assert f"{goal['means'][score]['mean']:.2f} [" in text
    assert {gap["auc"] for gap in found["separations"]} == {1.0}


def test_table_only_writes_no_page(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    assert main(["report", str(dataset), "--table"]) == 0
    assert not (dataset / "report.html").exists()


def test_unscored_data_set_gets_a_report_that_says_so(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", per_arm=1, frames=20)
    assert main(["report", str(dataset), "--out", str(tmp_path / "page.html")]) == 0
    assert "Not scored yet" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_report_replaces_a_report_and_no_other_file(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, thesis = tmp_path / "page.html", tmp_path / "thesis.html"
    thesis.write_text("<html>years of work</html>")
    assert main(["report", str(scored), "--out", str(page)]) == 0
    assert main(["report", str(scored), "--out", str(page)]) == 0
    assert main(["report", str(scored), "--out", str(thesis)]) == 2
    assert "is not a report" in capsys.readouterr().err
    assert thesis.read_text(encoding="utf-8") == "<html>years of work</html>"
    assert main(["report", str(scored), "--out", str(tmp_path)]) == 2


def test_same_data_set_gives_the_same_page(scored: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        assert main(["report", str(scored), "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_strip_shows_the_median_clip_not_the_best() -> None:
    values = [0.9, 0.1, 0.5, None, 0.4]
    rows = pa.table({"clip_id": list("abcde"), "kind": ["desktop"] * 5, "arm": ["scripted"] * 5, "control": [False] * 5,
                     "efficacy": values})  # fmt: skip
    assert typical_clip(rows, "desktop", "scripted", False) == "c"


def test_label_shows_keys_clicks_and_hides_redacted_keys() -> None:
    blank = dict.fromkeys(("x", "y", "dx", "dy", "button", "key", "char")) | {"redacted": False, "slot": 0}
    keys = [blank | {"kind": "key_down", "key": k, "char": c} for k, c in (("h", "h"), ("i", "i"), ("Return", "\r"))]
    secret = blank | {"kind": "key_down", "key": "p", "char": "p", "redacted": True}
    click = blank | {"kind": "button_down", "button": "left", "x": 1, "y": 1}
    assert label([click, click, *keys, secret]) == "click left ×2, keys hi⏎•"
    control = [blank | {"kind": kind, "key": "Control_L"} for kind in ("key_down", "key_up")]
    save = blank | {"kind": "key_down", "key": "s", "char": "\x13"}
    assert label([control[0], save, control[1], keys[0]]) == "keys Ctrl+s h"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_auc_is_the_probability_to_rank_above(above: list[float], below: list[float]) -> None:
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in above for b in below]
    assert table.auc(above, below) == pytest.approx(np.mean(pairs))
    assert table.auc(above, below) + table.auc(below, above) == pytest.approx(1)


def test_interval_covers_the_mean_at_its_rate() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        effects = rng.normal(0.3, 0.2, 20)
        low, high = table.bootstrap([list(rng.normal(effect, 0.1, 5)) for effect in effects])
        assert low is not None
        assert high is not None
        covered += low <= 0.3 <= high
    assert 0.86 <= covered / 200 <= 0.99


def test_one_session_has_no_interval() -> None:
    assert table.bootstrap([[0.1, 0.2, 0.3]]) == (None, None)
    assert table.format_mean(table.Mean(0.2, 3, None, None)) == "0.20"
    assert re.fullmatch(r"0\.20 \[0\.10, 0\.30\]", table.format_mean(table.Mean(0.2, 3, 0.1, 0.3)))
