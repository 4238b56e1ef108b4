"""`goaltrace train` as a user meets it: what a run leaves behind, and whatever can be wrong with what is asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from manifests.clip_io import ClipReader, ClipWriter
from manifests.dataset import Counter, DatasetFolder, DatasetManifest
from manifests.files import new_folder
from tests.factories import make_dataset
from tests.trainer.conftest import SMALL
from tests.trainer.runs import SETTINGS, copy, goal, losses, refused
from trainer import optimise
from trainer.checkpoint import RunInfo, folder, load_model, load_tensors, save_tensors
from trainer.config import Config
from trainer.objective import Losses
from trainer.plan import count_parameters
from trainer.presets import preset
from trainer.settings import override

CPU = torch.device("cpu")


def test_a_run_holds_what_it_needs(run: Path, dataset: Path) -> None:
    assert {path.name for path in run.iterdir()} >= {
        "config.json", "codec.pt", "pointer.pt", "checkpoints", "metrics.jsonl",
    }  # fmt: skip
    info = RunInfo.read(run)
    assert info.dataset == str(dataset) and info.held_out
    assert info.config == override(preset("tiny"), [*SMALL, "train.save_steps=1", "train.keep=0"])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4] == folder.steps(run)[-2::-1]
    for line in lines:
        assert {"loss", "gradient_norm", "lr", "tokens_per_second", "waiting", "seconds"} <= set(line)
        assert any(name.startswith("loss/noise_") for name in line) and "mfu" not in line
    model, codec, step = load_model(run, info, CPU)
    assert step == 4 and not model.training and codec.name == "pca"


def test_curves_are_for_tensorboard(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "run"
    for words in ([*SETTINGS, "--steps", "2"], ["--resume", "--steps", "3"]):
        assert goal(capsys, "train", dataset, "--out", out, *words)[0] == 0
    events = EventAccumulator(str(out / "tensorboard")).Reload()
    assert [point.step for point in events.Scalars("loss")] == [1, 2, 3]
    assert [point.value for point in events.Scalars("loss")] == pytest.approx(losses(out), rel=1e-5)


def test_a_logger_that_is_not_installed_is_one_line(
    run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    monkeypatch.setitem(sys.modules, "wandb", None)
    line = refused(capsys, "train", dataset, "--out", out, "--resume", "--steps", "5", "--logger", "wandb")
    assert "pip install wandb" in line


def test_a_dry_run_tells_the_plan_and_writes_nothing(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], small: Config
) -> None:
    words = ("train", dataset, "--out", tmp_path / "run", *SETTINGS, "--dry-run", "--json")
    status, out, err = goal(capsys, *words)
    assert status == 0 and not list(tmp_path.iterdir())
    for word in ("parameters", "tokens", "TFLOP", "epochs", "activations", "held", "CPU"):
        assert word in err
    told = json.loads(out)
    assert told["parameters"] == count_parameters(small)
    assert told["memory"]["total"] > told["memory"]["activations"] > 0 and told["flops"] > 0 and told["peak"] is None


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
    line = refused(capsys, "train", dataset, "--out", run, "--resume", "--set", "train.lr=1")
    assert "its own settings" in line and "train.micro" in line


def test_data_that_cannot_be_trained_on_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = make_dataset(tmp_path / "alone", per_arm=1, frames=30)
    _keep_rows(alone, tmp_path / "one", lambda row: row["arm"] == "scripted")
    assert "one session only" in refused(capsys, "train", tmp_path / "one", "--out", tmp_path / "run")
    _keep_rows(alone, tmp_path / "idle", lambda row: row.update(actions=[]) or True)
    assert "no actions" in refused(capsys, "train", tmp_path / "idle", "--out", tmp_path / "run")
    _keep_rows(alone, tmp_path / "none", lambda row: False)
    assert "no clips" in refused(capsys, "train", tmp_path / "none", "--out", tmp_path / "run")
    line = refused(capsys, "train", alone, "--out", tmp_path / "run", "--set", "data.fps=30")
    assert "slower than 30 fps" in line and "data.fps" in line
    newer = alone / "dataset.json"
    newer.write_text(json.dumps(json.loads(newer.read_text()) | {"schema_version": "9.0"}))
    assert "newer" in refused(capsys, "train", alone, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def _keep_rows(source: Path, target: Path, keep: object) -> None:
    reader, counter = ClipReader(source), Counter()
    with new_folder(target) as made:
        with ClipWriter(made) as writer:
            for row in reader.iter_clips():
                if keep(row):  # type: ignore[operator]
                    writer.write(row)
                    counter.add(row)
        manifest = DatasetManifest(name=target.name, counts=counter.result(), shards=writer.shards, lineage=[])
        DatasetFolder(made).write_manifest(manifest)


def test_a_missing_codec_is_one_line(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = copy(run, tmp_path / "run")
    (broken / "codec.pt").unlink()
    assert "codec.pt: missing" in refused(capsys, "train", dataset, "--out", broken, "--resume", "--steps", "5")
    weights = (
        "--set",
        "codec.name=wan",
        "--set",
        "codec.channels=16",
        "--set",
        "actions.head_width=0",
        "--set",
        "actions.key_width=0",
    )
    nowhere = ("--set", f"codec.weights={tmp_path / 'nowhere'}", "--set", "data.window=5")
    refused(capsys, "train", dataset, "--out", tmp_path / "new", *SETTINGS, *weights, *nowhere)
    assert not (tmp_path / "new").exists()


def test_latents_made_before_are_used_with_their_own_codec(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latents, whole = tmp_path / "latents", ("--set", "data.crop_width=0", "--set", "data.crop_height=0")
    assert goal(capsys, "encode", dataset, "--out", latents, *SETTINGS, *whole)[0] == 0
    words = (*SETTINGS, *whole, "--set", f"data.latents={latents}", "--logger", "none")
    assert goal(capsys, "train", dataset, "--out", tmp_path / "run", *words)[0] == 0
    assert (tmp_path / "run" / "codec.pt").read_bytes() == (latents / "codec.pt").read_bytes()
    state = load_tensors(tmp_path / "run" / "codec.pt")
    save_tensors(tmp_path / "run" / "codec.pt", state | {"scale": 2 * state["scale"]})
    line = refused(capsys, "train", dataset, "--out", tmp_path / "run", "--resume", "--steps", "5")
    assert "was made with codec" in line and str(latents) in line


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    run: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")

    def broken(*given: object) -> Losses:
        losses = optimise_loss(*given)  # type: ignore[arg-type]
        return Losses(losses.total * torch.nan, losses.parts, losses.by_level)

    optimise_loss = optimise.flow_loss
    monkeypatch.setattr(optimise, "flow_loss", broken)
    line = refused(capsys, "train", dataset, "--out", out, "--resume", "--steps", "9")
    assert "loss is nan at step 5" in line and "train.lr" in line
    assert folder.steps(out)[0] == 4 and folder.problem(folder.newest(out)) is None


def test_out_of_memory_names_the_settings_that_need_less(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = ("--set", "model.ffn_dim=1000000000000")
    line = refused(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS, *huge)
    assert "out of memory" in line and "GiB" in line and "train.recompute=true (" in line
    assert not (tmp_path / "run").exists()
