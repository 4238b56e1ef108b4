"""evaluate, compare and rollout as a user meets them."""

from __future__ import annotations

import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
import torch
from PIL import Image

import goaltrace
from tests.trainer.conftest import SMALL
from tests.trainer.reading.terminals import terminal_dataset
from tests.trainer.runs import goal, refused
from trainer.evaluation import report
from trainer.evaluation.lpips import shapes

SETTINGS = [part for setting in [*SMALL, "data.held_out=0.33"] for part in ("--set", setting)]
ARMS = {"true", "shuffled", "null", "repeat", "codec", "recorded", "open", "open_repeat"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps on desktops and terminals."""
    where = tmp_path_factory.mktemp("evaluated")
    data = terminal_dataset(where / "set", sessions=6, desktops=5)
    assert goaltrace.main(["train", str(data), "--out", str(where / "run"), *SETTINGS]) == 0
    return where / "run"


@pytest.fixture(scope="module")
def evaluated(run: Path) -> dict[str, Any]:
    assert goaltrace.main(["evaluate", str(run), "--clips", "4", "--seeds", "2"]) == 0
    document: dict[str, Any] = json.loads((run / "evaluation.json").read_text())
    return document


def test_every_row_is_measured_with_its_intervals(evaluated: dict[str, Any]) -> None:
    assert evaluated["seeds"] == [0, 1] and set(evaluated["kinds"]) == {"desktop", "terminal"}
    for reported in evaluated["kinds"].values():
        assert set(reported["rows"]) == ARMS
        assert reported["rows"]["codec"]["psnr"] > reported["rows"]["true"]["psnr"] > 5
        assert set(reported["intervals"]["true"]) == set(reported["rows"]["true"])
        for name, (low, high) in reported["intervals"]["true"].items():
            assert low <= reported["rows"]["true"][name] <= high
        assert len(reported["by_horizon"]["psnr"]["true"]) == 4
        assert {"psnr", "ssim", "changed_f1"} <= set(reported["obeys"])


def test_text_is_read_and_the_readers_own_error_stands_beside(evaluated: dict[str, Any], run: Path) -> None:
    rows = evaluated["kinds"]["terminal"]["rows"]  # at 64x48 px a cell is 2x4 px
    assert (run / "text.pt").is_file() and rows["recorded"]["text_cells"] > 0.9
    assert {"text_typed", "text_cells", "text_chars", "text_lines", "text_whole"} <= set(rows["true"])
    assert rows["repeat"]["text_typed"] < 0.2 and "the text reader on true frames" in _text_of(run)


def test_a_reader_that_cannot_read_true_frames_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    monkeypatch.setattr(report, "TEXT_LIMIT", 1.01)
    status, out, _ = goal(capsys, "evaluate", other, "--clips", "1", "--kind", "terminal", "--frames", "2")
    assert status == 0 and "left out as unproven" in out and "data.width" in out and "typed right" not in out
    kept = json.loads((other / "evaluation.json").read_text())["kinds"]["terminal"]
    assert not any(name.startswith("text") for figures in kept["rows"].values() for name in figures)
    assert "unproven" in _text_of(other)


def _text_of(run: Path) -> str:
    return re.sub(r"<[^>]*>", "", (run / "evaluation.html").read_text()).lower()


def test_the_page_needs_nothing_else(evaluated: dict[str, Any], run: Path) -> None:
    page = (run / "evaluation.html").read_text()
    assert "default-src 'none'" in page and "<script" not in page and "<link" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page) and "http:" not in page and "https:" not in page
    assert page.count("<img") == 4 and page.count("<svg") > 20  # a strip of each clip; curves and intervals
    assert page.count("<table") == page.count("</table>") and "true actions" in page


def test_the_table_says_what_was_found(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "evaluation.json").read_bytes()
    status, out, _ = goal(capsys, "evaluate", run, "--clips", "2", "--kind", "desktop", "--frames", "2")
    assert status == 0
    assert re.match(
        r"desktop: 2 held-out clips of (1 session|2 sessions), 4 generated frames, 1 seed; \[95 % over ", out
    )
    assert "true actions" in out and re.search("actions (seem to )?matter", out) and "open loop" in out
    (run / "evaluation.json").write_bytes(before)


def test_runs_are_compared_on_the_same_clips(
    run: Path, evaluated: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(run, other)
    (other / "evaluation.json").unlink()
    assert "goaltrace evaluate" in refused(capsys, "compare", run, other)
    assert goal(capsys, "evaluate", other, "--clips", "2", "--frames", "2")[0] == 0
    line = refused(capsys, "compare", run, other)
    assert f"goaltrace evaluate {other} --like {run}" in line
    assert goal(capsys, *line.split("run: goaltrace ")[1].split())[0] == 0  # what the line says mends it
    page = tmp_path / "page.html"
    status, out, _ = goal(capsys, "compare", run, other, "--json", "--out", page)
    assert status == 0
    for rows in json.loads(out)["kinds"].values():
        for figures in rows.values():
            for entry in figures.values():
                assert entry["values"][0] == entry["values"][1] and entry["differences"][0] is None
                assert entry["differences"][1] is None or entry["differences"][1]["value"] == 0
    assert "<script" not in page.read_text() and "Runs compared" in page.read_text()
    assert "exists already" in refused(capsys, "compare", run, other, "--out", page)
    status, out, _ = goal(capsys, "compare", run, other)
    assert status == 0 and "desktop, true actions" in out and "better" not in out


def test_fvd_is_compared_without_an_interval(
    run: Path, evaluated: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    for name, value in (("one", 310.0), ("two", 290.5)):
        reported = {"warning": "from 2 windows"}
        kinds = {kind: copy.deepcopy(of_kind) | {"fvd": reported} for kind, of_kind in evaluated["kinds"].items()}
        for of_kind in kinds.values():
            for row in ("true", "shuffled", "null", "repeat", "codec"):
                of_kind["rows"][row]["fvd"] = value
        shutil.copytree(run, tmp_path / name)
        runs.append(tmp_path / name)
        (runs[-1] / "evaluation.json").write_text(json.dumps(evaluated | {"kinds": kinds}))
    status, out, _ = goal(capsys, "compare", *runs, "--out", tmp_path / "page.html")
    lines = [line.split() for line in out.splitlines()]
    assert status == 0 and ["FVD", "310.0", "290.5", "-19.5"] in lines  # neither an interval nor a verdict
    assert "FVD has no interval" in out and "desktop: from 2 windows" in out
    page = (tmp_path / "page.html").read_text()
    assert "FVD has no interval" in page and "<td>-19.5</td>" in page
    assert "FVD" not in goal(capsys, "compare", runs[0], run)[1]  # one of them has none


def test_what_cannot_be_compared_is_one_line(
    run: Path, evaluated: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(run / "config.json", other)

    def written(**changes: Any) -> str:
        (other / "evaluation.json").write_text(json.dumps(evaluated | changes))
        return refused(capsys, "compare", run, other)

    assert "data.fps=5" in written(fps=15.0)
    assert "--set data.width=64 --set data.height=48" in written(width=128)
    assert "different seeds" in written(seeds=[7])
    assert "different clips" in written(clips=evaluated["clips"][:1])
    (run / "evaluation.json").write_text(json.dumps(evaluated | {"weights": {"fvd": "a1", "lpips": "b1"}}))
    line = written(weights={"fvd": "a2", "lpips": "b1"})
    assert f"weights for FVD; run: goaltrace evaluate {other} --like {run} --fvd FILE" in line
    (run / "evaluation.json").write_text(json.dumps(evaluated))
    assert "make it again" in written(kinds={"desktop": {"rows": {}}})
    assert "make it again" in written(clips=[{"clip": "x"}])
    assert "at least two" in refused(capsys, "compare", run)
    assert "not a run" in refused(capsys, "compare", run, tmp_path / "nothing")
    assert ".html" in refused(capsys, "compare", run, run, "--out", tmp_path / "page.pdf")


def test_lpips_is_measured_with_weights_that_are_there(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = torch.Generator().manual_seed(0)
    weights = {name: 0.05 * torch.rand(shape, generator=generator) for name, shape in shapes("AlexNet").items()}
    files = []
    for start in ("features", "lin"):
        files += ["--lpips", tmp_path / f"{start}.pth"]
        torch.save({name: value for name, value in weights.items() if name.startswith(start)}, files[-1])
    other = tmp_path / "other"
    shutil.copytree(run, other)
    words = ("evaluate", other, "--clips", 1, "--kind", "desktop", "--frames", 2)
    assert "give that file as well" in refused(capsys, *words, *files[:2])
    status, out, _ = goal(capsys, *words, *files, "--json")
    rows = json.loads(out)["kinds"]["desktop"]["rows"]
    assert status == 0 and rows["true"]["lpips"] > rows["codec"]["lpips"] > 0 and "lpips" not in rows["recorded"]


def test_wrong_words_are_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--seeds" in refused(capsys, "evaluate", run, "--seeds", "0")
    assert "--lpips" in refused(capsys, "evaluate", run, "--lpips", tmp_path / "none.safetensors")
    assert "--fvd" in refused(capsys, "evaluate", run, "--fvd", run / "config.json")
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    (damaged / "text.pt").write_bytes((run / "text.pt").read_bytes()[:1000])
    assert "text.pt: damaged" in refused(capsys, "evaluate", damaged)


def test_a_rollout_can_be_looked_at(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for clip in ("scripted-0-0000", "terminal-0-0000"):
        words = ("rollout", run, "--clip", clip, "--frames", "3", "--out", tmp_path / f"{clip}.gif", "--json")
        status, out, _ = goal(capsys, *words)
        assert status == 0 and [Path(path).suffix for path in json.loads(out)["files"]] == [".gif", ".mp4", ".png"]
        with Image.open(tmp_path / f"{clip}.gif") as gif:
            assert gif.n_frames == 5  # two given, three generated
        with av.open(str(tmp_path / f"{clip}.mp4")) as video:
            assert sum(1 for _ in video.decode(video=0)) == 5
    assert "exists already" in refused(capsys, "rollout", run, "--out", tmp_path / "scripted-0-0000.gif")
    line = refused(capsys, "rollout", run, "--clip", "nonsense")
    assert "nonsense" in line and "-0000" in line
