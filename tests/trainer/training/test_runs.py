"""`goaltrace train` as a user meets it: what a run leaves behind, and whatever can be wrong with what is asked."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
import torch
from torch._inductor import config as inductor

from manifests.clip_io import ClipReader, ClipWriter
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest
from manifests.files import new_folder
from tests.factories import make_clip, make_dataset, write_dataset
from tests.trainer.conftest import SMALL
from tests.trainer.runs import SETTINGS, copy, goal, losses, refused
from trainer.checkpoint import RunInfo, folder, load_model, load_tensors, save_tensors
from trainer.checkpoint.lock import locked
from trainer.objective import Losses
from trainer.objective.flow import FlowObjective
from trainer.planning.plan import count_parameters
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import preset
from trainer.training import optimise

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
    plan = json.loads(out)
    assert plan["parameters"] == count_parameters(small)
    assert plan["memory"]["total"] > plan["memory"]["activations"] > 0 and plan["flops"] > 0 and plan["peak"] is None


def test_wrong_settings_are_one_line(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ("train", dataset, "--out", tmp_path / "run")
    assert "tiny, small" in refused(capsys, *train, "--preset", "huge")
    assert "model.dim" in refused(capsys, *train, "--set", "model.width=3")
    assert "train.lr" in refused(capsys, *train, "--set", "lr=3")
    assert "not a whole number" in refused(capsys, *train, "--set", "train.batch=many")
    assert "multiple of 16" in refused(capsys, *train, "--set", "data.width=100")
    assert "no such data set" in refused(capsys, "train", tmp_path / "nothing", "--out", tmp_path / "run")
    assert "a file; give the folder" in refused(capsys, "train", dataset / "dataset.json", "--out", tmp_path / "run")
    assert "--kind" in refused(capsys, *train, "--kind", "terminal")
    assert "shorter than a window" in refused(capsys, *train, "--set", "data.window=500")
    assert not list(tmp_path.iterdir())


def test_a_run_is_never_made_with_what_it_cannot_use_later(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = ("train", dataset, "--out", tmp_path / "run", *SETTINGS)
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert "pip install wandb" in refused(capsys, *train, "--logger", "wandb")
    supplied = (*train, "--set", "model.text=supplied", "--set")
    assert "no such file" in refused(capsys, *supplied, f"data.texts={tmp_path / 'none'}")
    (tmp_path / "goals").write_bytes(b"not tensors")
    assert "not safetensors" in refused(capsys, *supplied, f"data.texts={tmp_path / 'goals'}")
    assert "is a file" in refused(capsys, "train", dataset, "--out", tmp_path / "goals" / "run", *SETTINGS)
    assert "--steps 0: must be at least 1" in refused(capsys, *train, "--steps", "0")
    assert "--max-seconds nan" in refused(capsys, *train, "--max-seconds", "nan")
    assert [path.name for path in tmp_path.iterdir()] == ["goals"]


@pytest.mark.parametrize("seed", ["-1", "4294967296", "one", "1.5"])
def test_a_seed_that_no_generator_takes_is_refused(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("train", "data", "--out", "run"), ("evaluate", "run"), ("rollout", "run"), ("play", "run")):
        with pytest.raises(SystemExit):
            goal(capsys, *words, "--seed", seed)
        assert "must be a whole number from 0 to 4,294,967,295" in capsys.readouterr().err


def test_a_run_goes_on_as_it_was_begun(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume = ("train", dataset, "--out", run, "--resume", "--steps", "9", "--dry-run")
    assert "goes on with its own (0)" in refused(capsys, *resume, "--seed", "1")
    assert "goes on with its own (tiny)" in refused(capsys, *resume, "--preset", "small")
    assert "goes on with its own (None)" in refused(capsys, *resume, "--kind", "desktop")
    assert goal(capsys, *resume, "--seed", "0", "--preset", "tiny")[0] == 0
    clips = [make_clip(arm, seed, 30) for arm in ("scripted", "random-fast") for seed in (50, 51)]
    other = write_dataset(tmp_path / "other", clips)
    line = refused(capsys, "train", other, *resume[2:])
    assert "not what" in line and str(dataset) in line


def test_two_trainings_do_not_share_a_run(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    resume = ("train", dataset, "--out", out, "--resume", "--steps", "5", "--logger", "none")
    with locked(out):
        assert "another goaltrace train is at work" in refused(capsys, *resume)
    assert losses(out) == losses(run)
    assert goal(capsys, *resume)[0] == 0


def test_where_no_bar_can_be_drawn_lines_tell_how_far_it_is(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", dataset, "--out", tmp_path / "run", *SETTINGS, "--logger", "none")
    _, _, err = goal(capsys, *words)
    assert "decoding for the codec ..." in err and "step 1: loss" in err and "tokens/s" in err


def test_a_termination_while_a_run_is_made_leaves_nothing(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.training.begin.new_state", lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        goal(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS)
    assert ended.value.code == 128 + signal.SIGTERM and not list(tmp_path.iterdir())


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
    reader, counter = ClipReader(source), ClipCounter()
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
        losses = loss(*given)  # type: ignore[arg-type]
        return Losses(losses.total * torch.nan, losses.parts, losses.by_level)

    loss = FlowObjective.loss
    monkeypatch.setattr(FlowObjective, "loss", broken)
    line = refused(capsys, "train", dataset, "--out", out, "--resume", "--steps", "9")
    assert "loss is nan at step 5" in line and "train.lr" in line
    assert folder.steps(out)[0] == 4 and folder.problem(folder.newest(out)) is None


def test_out_of_memory_names_the_settings_that_need_less(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimise, "WorldModel", lambda config: torch.empty(10**13))  # one allocation that fails at once
    line = refused(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS)
    assert "out of memory" in line and "GiB" in line and "train.recompute=true (" in line
    assert not (tmp_path / "run").exists()


def test_a_machine_that_cannot_compile_is_told_what_it_lacks(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inductor.cpp, "cxx", (None, str(tmp_path / "no-g++")))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    compiled = ("--set", "train.compile=true")
    line = refused(capsys, "train", dataset, "--out", tmp_path / "run", *SETTINGS, *compiled)
    assert "torch.compile failed" in line and "no-g++" in line and "python3-dev" in line
    assert folder.problem(folder.newest(tmp_path / "run")) is None
