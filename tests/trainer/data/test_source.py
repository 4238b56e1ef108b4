"""Data sets that are somewhere else: the Hub and object stores, shard by shard."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest

from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from tests.curation.publish.hub_server import Hub, Repo
from tests.factories import write_dataset
from tests.trainer.data.rows import sessions
from trainer.data.index import load_index
from trainer.data.source import is_remote, open_dataset
from trainer.data.windows import ClipStore, Loader
from trainer.settings import override
from trainer.settings.config import Config

REPO = "team/boxes"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set whose video is in several shards."""
    path = write_dataset(tmp_path_factory.mktemp("far") / "boxes", sessions(45), shard_bytes=8_000)
    assert len(list((path / "clips").iterdir())) > 2
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOALTRACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def url(local: Path) -> Iterator[str]:
    """The same data set in an object store that fsspec keeps in memory."""
    store = fsspec.filesystem("memory")
    store.put(str(local), "/bucket/boxes", recursive=True)
    yield "memory://bucket/boxes"
    store.rm("/bucket", recursive=True)


def shards_here(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("clips-*.parquet"))


def test_a_path_is_a_folder_and_a_url_is_not(local: Path) -> None:
    assert not is_remote(local) and not is_remote("data/set") and not is_remote("C")
    assert is_remote("hf://datasets/a/b") and is_remote(Path("s3://bucket/set"))
    assert open_dataset(str(local)).clip_ids() == ClipReader(local).clip_ids()


def test_a_store_is_read_like_a_folder_and_only_what_is_needed_is_fetched(
    url: str, local: Path, cache: Path, small: Config
) -> None:
    reader = open_dataset(url)
    index = load_index(reader, small.data, held_out=[])
    assert len(index.train) == 4 and shards_here(cache) == []
    clip = index.train[2]
    far = ClipStore(reader, small).get(clip)
    assert len(shards_here(cache)) == 1
    near = ClipStore(ClipReader(local), small).get(clip)
    assert np.array_equal(far.frames, near.frames)
    config = override(small, ["data.crop_width=0", "data.crop_height=0"])
    one, other = (
        Loader(ClipStore(each, config), index.train, config, 0).load(3) for each in (reader, ClipReader(local))
    )
    assert one.frames is not None and np.array_equal(one.frames, other.frames)


def test_a_shard_is_fetched_once(url: str, cache: Path) -> None:
    first = open_dataset(url)
    clip = first.clip_ids()[0]
    video = first.read(clip, ["video"])
    fsspec.filesystem("memory").rm("/bucket/boxes/clips", recursive=True)
    assert open_dataset(url).read(clip, ["video"]) == video


def test_a_fetch_goes_on_where_it_stopped(url: str, local: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = open_dataset(url)
    shard = next(shard for shard in reader.manifest.shards if shard.path.startswith("clips/"))
    folder = cache / hashlib.sha256(url.encode()).hexdigest()[:16]
    part = folder / f"{shard.path}.part"
    part.parent.mkdir()
    part.write_bytes((local / shard.path).read_bytes()[:5000])
    seeks: list[int] = []
    memory = fsspec.implementations.memory.MemoryFile
    before = memory.seek
    monkeypatch.setattr(memory, "seek", lambda file, place, *more: (seeks.append(place), before(file, place, *more))[1])
    reader.read(reader.clip_ids()[0])
    assert 5000 in seeks and (folder / shard.path).read_bytes() == (local / shard.path).read_bytes()
    assert not part.exists()


def test_a_shard_that_is_not_what_the_manifest_says_is_refused(url: str, cache: Path) -> None:
    reader = open_dataset(url)
    store = fsspec.filesystem("memory")
    name = "/bucket/boxes/clips/clips-00000.parquet"
    data = bytearray(store.cat(name))
    data[1000] ^= 1
    store.pipe(name, bytes(data))
    with pytest.raises(GoaltraceError, match=r"clips-00000\.parquet: not what its dataset\.json says"):
        reader.read(reader.clip_ids()[0])


def test_the_cache_of_a_store_is_bounded(url: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOALTRACE_CACHE_GB", "0.00006")
    reader = open_dataset(url)
    for clip in reader.clip_ids():
        reader.read(clip, ["video"])
    assert len(shards_here(cache)) < len(list(reader.folder.shard_names(reader.manifest, "clips")))
    assert reader.read(reader.clip_ids()[0], ["video"])["video"]["bytes"]
    monkeypatch.setenv("GOALTRACE_CACHE_GB", "lots")
    with pytest.raises(GoaltraceError, match="GOALTRACE_CACHE_GB=lots: not a number of gigabytes"):
        open_dataset(url)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("memory://nowhere/set", r"memory://nowhere/set: has no dataset\.json"),
        ("nonsense://bucket/set", "nonsense://bucket/set: cannot be read .*use hf://, s3://, gs:// or a folder"),
        ("hf://team/boxes", "write it as hf://datasets/OWNER/NAME"),
        ("s3://bucket/set", "needs one more Python package .*s3fs"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_an_address_that_cannot_be_read_is_one_line(where: str, line: str) -> None:
    with pytest.raises(GoaltraceError, match=line) as error:
        open_dataset(where)
    assert "\n" not in str(error.value)


def test_encode_reads_from_a_store(url: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set=data.width=64", "--set=data.height=48", "--set=data.crop_width=0", "--set=data.crop_height=0"]
    assert main(["encode", url, "--out", str(tmp_path / "latents"), "--dry-run", "--json", *settings]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 4 and shards_here(cache) == []


@pytest.fixture
def hub(local: Path) -> Iterator[Hub]:
    with Hub() as server:
        repo = Repo(name=REPO, private=False)
        files = [path for path in local.rglob("*") if path.is_file()]
        repo.files |= {str(path.relative_to(local)): path.read_bytes() for path in files}
        repo.lfs |= {name for name in repo.files if name.endswith(".parquet")}
        server.repos[REPO] = repo
        yield server


def on_hub(endpoint: str, home: Path, code: str, offline: bool = False) -> list[str]:
    """Run `code` in an interpreter that knows this Hub only; the lines it prints."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    own |= {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_OFFLINE": str(int(offline)),
    }
    program = f"from trainer.data.source import open_dataset\nfrom manifests.errors import GoaltraceError\n{code}"
    run = subprocess.run([sys.executable, "-c", program], env=own, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_a_data_set_on_the_hub_is_read_shard_by_shard_and_offline_once_it_is_here(hub: Hub, tmp_path: Path) -> None:
    read = (
        "reader = open_dataset('hf://datasets/team/boxes')\nids = reader.clip_ids()\n"
        "print(len(ids), len(reader.read(ids[0], ['video'])['video']['bytes']) > 1000)\n"
    )
    tries = (
        "for where in ('team/none', 'team/none/more'):\n    try:\n"
        "        open_dataset(f'hf://datasets/{where}')\n    except GoaltraceError as error:\n        print(error)\n"
    )
    lines = on_hub(hub.url, tmp_path, read + tries)
    assert lines[0] == "4 True"
    assert lines[1].startswith("hf://datasets/team/none: no such data set on the Hub, or it is private")
    assert len(lines) == 3 and lines[2].endswith(
        "write it as hf://datasets/OWNER/NAME or hf://datasets/OWNER/NAME@REVISION"
    )
    fetched = [line for line in hub.requests if line.startswith("GET") and "/clips/" in line]
    assert len(set(fetched)) == 1
    again = (
        "reader = open_dataset('hf://datasets/team/boxes')\nids = reader.clip_ids()\n"
        "print(len(reader.read(ids[0], ['video'])['video']['bytes']) > 1000)\ntry:\n"
        "    reader.read(ids[-1], ['video'])\nexcept GoaltraceError as error:\n    print(error)\n"
    )
    here, far = on_hub(hub.url, tmp_path, again, offline=True)
    assert here == "True"
    assert "the Hub cannot be reached and clips/" in far
