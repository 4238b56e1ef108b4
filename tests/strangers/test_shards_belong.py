"""Shards that do not belong to their dataset.json are refused by every command, whatever their clip ids say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from manifests import shard_integrity
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.shard_integrity import require_shard
from tests.factories import make_clip, write_dataset
from tests.strangers.files import run


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two data sets with the same clip ids and other video."""
    root = tmp_path_factory.mktemp("pair")
    one = write_dataset(root / "one", (make_clip("scripted", n, 30, session=f"s{n}") for n in range(3)))
    other = write_dataset(root / "other", (make_clip("scripted", n + 7, 30, session=f"s{n}") for n in range(3)))
    assert ClipReader(one).clip_ids() == ClipReader(other).clip_ids()
    return one, other


@pytest.mark.needs("torch")
@pytest.mark.parametrize("config", ["clips", "events"])
def test_the_same_ids_with_other_shards_are_refused_by_every_command(
    pair: tuple[Path, Path], config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = tmp_path / "mixed"
    shutil.copytree(pair[0], dataset)
    shutil.copy(pair[1] / config / f"{config}-00000.parquet", dataset / config)
    commands = [
        ["report", dataset, "--out", tmp_path / "page.html"],
        ["select", dataset, "--where", "true", "--out", tmp_path / "kept"],
        ["score", dataset],
        ["scan", dataset],
        ["publish", dataset, "a/b", "--dry-run"],
        ["encode", dataset, "--out", tmp_path / "latents"],
        ["train", dataset, "--out", tmp_path / "run", "--steps", "1"],
    ]
    for command in commands:
        if config == "events" and command[0] == "score":  # which reads clips alone
            continue
        assert run(*command) == 2, command
        said = capsys.readouterr().err
        assert f"{config}-00000.parquet" in said and "dataset.json" in said, said
    assert not any((tmp_path / name).exists() for name in ("page.html", "kept", "run"))


def test_one_byte_of_the_same_size_is_noticed_and_the_full_look_is_remembered(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOALTRACE_CACHE", str(tmp_path / "cache"))
    shutil.copytree(pair[0], tmp_path / "set")
    reads: list[Path] = []
    whole = shard_integrity.sha256_of
    monkeypatch.setattr(shard_integrity, "sha256_of", lambda path: (reads.append(path), whole(path))[1])
    for _ in range(3):
        reader = ClipReader(tmp_path / "set")
        reader.read(reader.clip_ids()[0])
    assert len(reads) == 2  # clips and events, once each
    path = tmp_path / "set" / "clips" / "clips-00000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(GoaltraceError, match="SHA-256 differs"):
        ClipReader(tmp_path / "set").read(reader.clip_ids()[0])


def test_where_nothing_can_be_remembered_it_is_looked_at_again(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GOALTRACE_CACHE", str(tmp_path / "file" / "cache"))
    manifest = ClipReader(pair[0]).manifest
    require_shard(pair[0] / manifest.shards[0].path, manifest.shards[0])


def test_a_score_table_can_name_no_clips(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    from tests.strangers.files import changed_json

    dataset = tmp_path / "set"
    shutil.copytree(pair[0], dataset)
    run("score", dataset)
    changed_json(
        dataset / "dataset.json",
        lambda document: document["scores"][0]["shard"].update(path=document["shards"][0]["path"]),
    )
    assert run("score", dataset, "--force") == 2
    assert (dataset / "clips" / "clips-00000.parquet").is_file()
