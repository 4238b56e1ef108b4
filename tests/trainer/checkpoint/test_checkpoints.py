"""Checkpoints: whole or not there, read as data, of any number of ranks."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from manifests.errors import GoaltraceError
from tests.trainer.runs import back_to, copy, goal, tensors
from trainer.checkpoint import RunInfo, folder, load_model, load_tensors
from trainer.checkpoint.metadata import read_metadata

CPU = torch.device("cpu")


def opening(run: Path) -> str:
    """The error of opening a run for evaluation."""
    with pytest.raises(GoaltraceError) as caught:
        load_model(run, RunInfo.read(run), CPU)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_the_newest_are_kept_and_the_one_before_the_last_stays_whole(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    words = ("--resume", "--steps", "6", "--set", "train.keep=2", "--logger", "none")
    assert goal(capsys, "train", dataset, "--out", out, *words)[0] == 0
    assert folder.steps(out) == [6, 5]
    assert all(folder.problem(folder.step_folder(out, step)) is None for step in (5, 6))


def test_a_checkpoint_cut_short_is_one_line_and_names_the_older_one(run: Path, tmp_path: Path) -> None:
    out = copy(run, tmp_path / "run")
    newest = folder.step_folder(out, 4)
    for path in sorted(newest.iterdir()):
        whole = path.read_bytes()
        for size in (0, 10, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:size])
            line = opening(out)
            assert path.name in line and "step-00000003" in line and "--resume" in line
        path.unlink()
        assert "step-00000003" in opening(out)
        path.write_bytes(whole)
    assert load_model(out, RunInfo.read(out), CPU)[2] == 4
    for step in folder.steps(out):
        (folder.step_folder(out, step) / ".metadata").write_bytes(b"")
    assert "no older checkpoint is whole" in opening(out)
    shutil.rmtree(out / "checkpoints")
    assert "no checkpoint" in opening(out)


def test_a_changed_byte_inside_is_one_line(run: Path, tmp_path: Path) -> None:
    out = copy(run, tmp_path / "run")
    path = folder.step_folder(out, 4) / "__0_0.distcp"
    data = bytearray(path.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    path.write_bytes(data)
    assert "step-00000004" in opening(out)


def test_resume_goes_on_from_the_older_whole_one_and_says_so(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    damaged = folder.step_folder(out, 4) / "__0_0.distcp"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (out / "checkpoints" / ".step-00000005.tmp").mkdir()  # of a run that was killed while it saved
    status, _, err = goal(capsys, "train", dataset, "--out", out, "--resume", "--logger", "none")
    assert status == 0 and "step-00000004" in err and "passed over, step-00000003 is used" in err
    assert not (out / "checkpoints" / ".step-00000005.tmp").exists()
    one, two = tensors(run, 4), tensors(out, 4)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_no_object_is_unpickled(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "sprung",)

    out = copy(run, tmp_path / "run")
    newest = folder.step_folder(out, 4)
    index = (newest / ".metadata").read_bytes()
    (newest / ".metadata").write_bytes(pickle.dumps(Trap()))
    assert "not plain tensors" in opening(out)
    metadata = read_metadata(folder.step_folder(out, 3))
    metadata.planner_data = Trap()
    (newest / ".metadata").write_bytes(pickle.dumps(metadata))
    assert "not plain tensors" in opening(out)
    (newest / ".metadata").write_bytes(pickle.dumps({"a": 1}))
    assert "not the index" in opening(out)
    (newest / ".metadata").write_bytes(index)
    torch.save({"mean": Trap()}, out / "codec.pt")
    assert "not plain tensors" in opening(out)
    assert not (tmp_path / "sprung").exists()


def test_an_index_may_not_point_outside_its_folder(run: Path, tmp_path: Path) -> None:
    out = copy(run, tmp_path / "run")
    newest = folder.step_folder(out, 4)
    metadata = read_metadata(newest)
    for place in metadata.storage_data.values():
        place.relative_path = "../step-00000003/__0_0.distcp"
    (newest / ".metadata").write_bytes(pickle.dumps(metadata))
    assert "not the checkpoint's" in opening(out)


def test_weights_of_another_shape_are_one_line(run: Path, tmp_path: Path) -> None:
    out = copy(run, tmp_path / "run")
    settings = json.loads((out / "config.json").read_text())

    def changed(key: str, value: object) -> str:
        document = json.loads(json.dumps(settings))
        document["config"]["model"][key] = value
        (out / "config.json").write_text(json.dumps(document))
        return opening(out)

    assert "does not fit" in changed("layers", 3)
    assert "is not of this model" in changed("layers", 1)
    assert "[96, 48], not [128, 48]" in changed("ffn_dim", 128)
    assert "config.model.depth" in changed("depth", 3)
    (out / "config.json").write_text(json.dumps(settings | {"schema_version": "9.0"}))
    assert "newer" in opening(out)


def test_the_index_does_not_tell_where_it_was_written(run: Path) -> None:
    index = (folder.step_folder(run, 4) / ".metadata").read_bytes()
    assert str(run.parent).encode() not in index


def test_the_error_of_a_missing_file_names_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="restore it"):
        load_tensors(tmp_path / "codec.pt")


def test_going_back_and_on_is_the_same_run(
    run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = copy(run, tmp_path / "run")
    back_to(out, 1)
    words = ("--resume", "--logger", "none", "--set", "train.save_steps=0")
    assert goal(capsys, "train", dataset, "--out", out, *words)[0] == 0
    one, two = tensors(run, 4), tensors(out, 4)
    assert set(one) == set(two) and all(torch.equal(one[name], two[name]) for name in one)
