"""Versioned documents: older minors are read, newer majors and damaged files are refused in one line."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from manifests.dataset import DatasetFolder, Shard
from manifests.errors import GoaltraceError
from manifests.files import new_folder, read_jsonl, replacing, write_text
from manifests.session import Frame, SessionFolder, find_sessions
from tests.factories import make_dataset


def one_line(error: pytest.ExceptionInfo[GoaltraceError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_dataset_of_a_newer_major_version_is_refused(tmp_path: Path) -> None:
    path = make_dataset(tmp_path / "set", per_arm=1, frames=15)
    manifest = json.loads((path / "dataset.json").read_text())
    (path / "dataset.json").write_text(json.dumps(manifest | {"schema_version": "2.0"}))
    with pytest.raises(GoaltraceError) as caught:
        DatasetFolder(path).read_manifest()
    assert "upgrade" in one_line(caught)


def test_a_key_of_a_newer_minor_version_is_ignored(tmp_path: Path) -> None:
    path = make_dataset(tmp_path / "set", per_arm=1, frames=15)
    manifest = json.loads((path / "dataset.json").read_text())
    (path / "dataset.json").write_text(json.dumps(manifest | {"schema_version": "1.9", "mood": "good"}))
    assert DatasetFolder(path).read_manifest().counts.clips == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": "1.0"}', '{"schema_version": null}', "\x00"])
def test_a_broken_manifest_is_one_line(tmp_path: Path, content: str) -> None:
    for name, read in (
        ("dataset.json", DatasetFolder(tmp_path).read_manifest),
        ("session.json", SessionFolder(tmp_path).read_manifest),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(GoaltraceError) as caught:
            read()
        assert name in one_line(caught)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "clips/../../x", "a\\b"])
def test_a_shard_cannot_point_outside_its_data_set(path: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        Shard(path=path, rows=1, bytes=1, sha256="")


def test_a_folder_without_sessions_is_named(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match=r"no session\.json"):
        find_sessions([tmp_path])
    with pytest.raises(GoaltraceError, match="no such folder"):
        find_sessions([tmp_path / "nowhere"])


def test_a_log_cut_short_by_kill_keeps_every_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"index":0,"t0_ns":1,"t1_ns":2}\n{"index":1,"t0_ns":3,"t1')
    assert [frame.index for frame in read_jsonl(path, Frame)] == [0]


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text('{"index":0,"t0_ns":1,"t1_ns":2}\n{"index":"x"}\n')
    with pytest.raises(GoaltraceError, match="line 2: index"):
        read_jsonl(path, Frame)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "out") as temporary:
        (temporary / "part").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_what_was_asked_for_not_a_temporary_name(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    made = tmp_path / "set"
    with pytest.raises(GoaltraceError) as caught, new_folder(made) as folder, replacing(folder / "dataset.json"):
        raise full
    assert one_line(caught).startswith(f"{made}/dataset.json: no space left")


def test_an_existing_output_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("mine")
    with pytest.raises(GoaltraceError, match="exists already"), new_folder(tmp_path):
        pytest.fail("must not begin")
    assert (tmp_path / "keep").read_text() == "mine"
