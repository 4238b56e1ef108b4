"""Runs as a user meets them: through the front door, from start to picture, and everything that can go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
import torch
from PIL import Image

import goaltrace
from manifests.errors import GoaltraceError
from manifests.files import new_folder
from tests.factories import make_dataset
from tests.trainer.conftest import SMALL
from trainer import loop
from trainer.checkpoint import RunInfo, load_tensors
from trainer.config import override, preset

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = [part for setting in SMALL for part in ("--set", setting)]


def goal(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command; status, output, errors without the progress bars."""
    capsys.readouterr()
    status = goaltrace.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line that a refused command prints."""
    status, _, err = goal(capsys, *words)
    assert status == 2
    lines = [line for line in err.splitlines() if line.startswith("goaltrace ")]
    assert len(lines) == 1 and "Traceback" not in err
    return lines[0]


@pytest.fixture(scope="module")
def run(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert goaltrace.main(["train", str(dataset), "--out", str(out), *SETTINGS]) == 0
    return out


def test_a_run_holds_what_it_needs(run: Path, dataset: Path) -> None:
    assert {path.name for path in run.iterdir()} >= {
        "config.json", "codec.pt", "pointer.pt", "checkpoint.pt", "metrics.jsonl",
    }  # fmt: skip
    info = RunInfo.read(run)
    assert info.dataset == str(dataset) and info.held_out and info.config == override(preset("tiny"), SMALL)
    assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").open()] == [1, 2, 3, 4]


def test_stopping_and_going_on_gives_the_same_weights_bit_for_bit(
    run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "halves"
    taken: list[float] = []
    whole_step = loop.train_step

    def interrupted(*args: object) -> float:
        taken.append(whole_step(*args))  # type: ignore[arg-type]
        if len(taken) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return taken[-1]

    monkeypatch.setattr(loop, "train_step", interrupted)
    status, _, err = goal(capsys, "train", dataset, "--out", out, *SETTINGS)
    assert status == 128 + signal.SIGTERM and "--resume" in err
    assert load_tensors(out / "checkpoint.pt")["step"] == 2
    monkeypatch.setattr(loop, "train_step", whole_step)
    assert goal(capsys, "train", dataset, "--out", out, "--resume")[0] == 0
    one, two = load_tensors(run / "checkpoint.pt"), load_tensors(out / "checkpoint.pt")
    assert one["step"] == two["step"] == 4
    for part in ("model", "average"):
        assert all(torch.equal(one[part][name], two[part][name]) for name in one[part])
    for number, moments in one["optimizer"]["state"].items():
        assert all(torch.equal(value, two["optimizer"]["state"][number][name]) for name, value in moments.items())
    losses = [[json.loads(line)["loss"] for line in (folder / "metrics.jsonl").open()] for folder in (run, out)]
    assert losses[0] == losses[1]


def test_evaluation_measures_every_arm(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = goal(capsys, "evaluate", run, "--clips", "2", "--json")
    assert status == 0
    rows = json.loads(out)["kinds"]["desktop"]["rows"]
    assert set(rows) == {"true", "shuffled", "null", "repeat", "codec"}
    assert rows["codec"]["psnr"] > rows["true"]["psnr"] > 5
    assert rows["codec"]["cursor_frames"] == rows["true"]["cursor_frames"] > 0
    assert json.loads((run / "evaluation.json").read_text())["kinds"]["desktop"]["rows"] == rows


def test_a_rollout_can_be_looked_at(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = "scripted-0-0000"
    words = ("rollout", run, "--clip", clip, "--frames", "3", "--out", tmp_path / "r.gif", "--json")
    status, out, _ = goal(capsys, *words)
    assert status == 0
    assert [Path(path).name for path in json.loads(out)["files"]] == ["r.gif", "r.mp4", "r.png"]
    with Image.open(tmp_path / "r.gif") as gif:
        assert gif.n_frames == 5  # two given, three generated
    with av.open(str(tmp_path / "r.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 5
    assert "exists already" in refused(capsys, "rollout", run, "--clip", clip, "--out", tmp_path / "r.gif")
    line = refused(capsys, "rollout", run, "--clip", "nonsense")
    assert "nonsense" in line and "-0000" in line


def test_a_dry_run_writes_nothing(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = goal(capsys, "train", dataset, "--out", tmp_path / "run", "--dry-run")
    assert status == 0 and "M parameters" in err and "held" in err
    assert not list(tmp_path.iterdir())


def test_wrong_settings_are_one_line(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ("train", dataset, "--out", tmp_path / "run")
    assert "tiny, small" in refused(capsys, *train, "--preset", "huge")
    assert "model.dim" in refused(capsys, *train, "--set", "model.width=3")
    assert "train.lr" in refused(capsys, *train, "--set", "lr=3")
    assert "not a int" in refused(capsys, *train, "--set", "train.batch=many")
    assert "multiple of 16" in refused(capsys, *train, "--set", "data.width=100")
    assert "no such data set" in refused(capsys, "train", tmp_path / "nothing", "--out", tmp_path / "run")
    assert "--kind" in refused(capsys, *train, "--kind", "terminal")
    assert "shorter than a window" in refused(capsys, *train, "--set", "data.window=500")
    assert not list(tmp_path.iterdir())


def test_an_existing_run_is_not_overwritten(run: Path, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--resume" in refused(capsys, "train", dataset, "--out", run)
    assert "already" in refused(capsys, "train", dataset, "--out", run, "--resume")
    assert "not a run" in refused(capsys, "train", dataset, "--out", run.parent / "other", "--resume")
    assert "its own settings" in refused(capsys, "train", dataset, "--out", run, "--resume", "--set", "train.lr=1")


def test_data_that_cannot_be_trained_on_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = make_dataset(tmp_path / "alone", per_arm=1, frames=30)
    _keep_rows(alone, tmp_path / "one", lambda row: row["arm"] == "scripted")
    assert "one session only" in refused(capsys, "train", tmp_path / "one", "--out", tmp_path / "run")
    _keep_rows(alone, tmp_path / "idle", lambda row: row.update(actions=[]) or True)
    assert "no actions" in refused(capsys, "train", tmp_path / "idle", "--out", tmp_path / "run")
    _keep_rows(alone, tmp_path / "none", lambda row: False)
    assert "no clips" in refused(capsys, "train", tmp_path / "none", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def _keep_rows(source: Path, target: Path, keep: object) -> None:
    from manifests.clip_io import ClipReader, ClipWriter
    from manifests.dataset import Counter, DatasetFolder, DatasetManifest

    reader, counter = ClipReader(source), Counter()
    with new_folder(target) as folder:
        with ClipWriter(folder) as writer:
            for row in reader.iter_clips():
                if keep(row):  # type: ignore[operator]
                    writer.write(row)
                    counter.add(row)
        manifest = DatasetManifest(name=target.name, counts=counter.result(), shards=writer.shards, lineage=[])
        DatasetFolder(folder).write_manifest(manifest)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    run: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (run / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(loop, "flow_loss", lambda *args: torch.tensor(float("nan"), requires_grad=True))
    line = refused(capsys, "train", dataset, "--out", run, "--resume", "--steps", "9")
    assert "loss is nan at step 5" in line and "train.lr" in line
    assert (run / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_cut_short_is_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = _copy(run, tmp_path / "broken")
    whole = (broken / "checkpoint.pt").read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        (broken / "checkpoint.pt").write_bytes(whole[:size])
        assert "checkpoint.pt: " in refused(capsys, "evaluate", broken)
    (broken / "checkpoint.pt").unlink()
    assert "missing" in refused(capsys, "evaluate", broken)


def test_no_object_is_unpickled(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    broken = _copy(run, tmp_path / "trap")
    torch.save({"average": Trap()}, broken / "checkpoint.pt")
    assert "not plain tensors" in refused(capsys, "evaluate", broken)
    assert not (tmp_path / "sprung").exists()


def test_weights_of_another_shape_are_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = _copy(run, tmp_path / "other")
    settings = json.loads((other / "config.json").read_text())
    settings["config"]["model"]["layers"] = 3
    (other / "config.json").write_text(json.dumps(settings))
    assert "does not fit" in refused(capsys, "evaluate", other)
    settings["config"]["model"]["depth"] = 3
    (other / "config.json").write_text(json.dumps(settings))
    assert "config.model.depth" in refused(capsys, "evaluate", other)
    settings["schema_version"] = "9.0"
    (other / "config.json").write_text(json.dumps(settings))
    assert "newer" in refused(capsys, "evaluate", other)


def test_ctrl_c_leaves_a_run_that_goes_on(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "goaltrace", "train", str(dataset), "--out", str(out), *SETTINGS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--steps", "100000"], cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment
    )
    metrics = out / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.is_file() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT and "Traceback" not in err and "--resume" in err
    assert load_tensors(out / "checkpoint.pt")["step"] >= 1
    assert not [path for path in [*out.iterdir(), *tmp_path.iterdir()] if path.name.endswith(".tmp")]


def test_the_error_of_a_missing_checkpoint_names_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="--resume"):
        load_tensors(tmp_path / "checkpoint.pt")


def _copy(run: Path, target: Path) -> Path:
    target.mkdir()
    for path in run.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
