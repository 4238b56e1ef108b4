"""Publishing over real HTTP to a Hub on 127.0.0.1, by the command a user types, and loading it back."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import yaml

from curation.publish.upload import own_card
from goaltrace import main
from manifests.clip_io import ClipReader
from tests.curation.publish.hub_server import TOKEN, Hub
from tests.factories import make_dataset

pytestmark = pytest.mark.e2e
REPO = "team/desktop-clips"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = make_dataset(
        tmp_path_factory.mktemp("publish") / "clips", per_arm=2, frames=75, shard_bytes=30_000, pause=10
    )
    assert main(["score", str(dataset)]) == 0
    assert len(list((dataset / "clips").iterdir())) == 2
    return dataset


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "clips"))


def environment(hub: Hub, home: Path, token: str | None = TOKEN) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    own |= {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return own | ({"HF_TOKEN": token} if token else {})


def publish(
    hub: Hub, dataset: Path, *options: str, repo: str = REPO, token: str | None = TOKEN
) -> subprocess.CompletedProcess[str]:
    if not {"--license", "--dry-run"} & set(options) and not own_card(dataset):
        options = (*options, "--license", "cc-by-4.0")
    command = [sys.executable, "-m", "goaltrace", "publish", str(dataset), repo, "--unscanned", *options]
    env = environment(hub, dataset.parent / "home", token)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)


def load(hub: Hub, dataset: Path, code: str) -> dict[str, object]:
    """Run `code`, which fills `found`, in a fresh interpreter that knows this Hub only."""
    program = f"import json\nfrom datasets import Video, load_dataset\nfound = {{}}\n{code}\nprint(json.dumps(found))"
    env = environment(hub, dataset.parent / "home2")
    run = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, timeout=300
    )
    return dict(json.loads(run.stdout))


def only_line(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.strip().splitlines()
    return line


def test_published_data_set_loads_back_with_datasets(hub: Hub, dataset: Path) -> None:
    run = publish(hub, dataset, "--license", "cc-by-4.0")
    assert run.returncode == 0, run.stderr
    assert f"{hub.url}/datasets/{REPO}" in run.stdout
    clip_id = ClipReader(dataset).clip_ids()[1]
    code = f'''
events = load_dataset("{REPO}", "events", split="train")
default = load_dataset("{REPO}", split="train")
clips = load_dataset("{REPO}", "clips", split="train").cast_column("video", Video(decode=False))
stream = load_dataset("{REPO}", "clips", split="train", streaming=True).cast_column("video", Video(decode=False))
row = next(row for row in stream if row["clip_id"] == {clip_id!r})
scores = load_dataset("{REPO}", "intent", split="train")
found["ids"], found["default"] = list(events["clip_id"]), default.column_names == events.column_names
found["same"] = [r["video"]["bytes"] for r in clips if r["clip_id"] == {clip_id!r}] == [row["video"]["bytes"]]
found["video"], found["frames"] = row["video"]["bytes"].hex(), len(row["t1_ns"])
found["scores"] = list(scores["clip_id"])
'''
    found = load(hub, dataset, code)
    reader = ClipReader(dataset)
    assert found["ids"] == found["scores"] == reader.clip_ids()
    assert found["default"] is True
    assert found["same"] is True
    video = bytes.fromhex(str(found["video"]))
    assert video == reader.read(clip_id)["video"]["bytes"]
    with av.open(io.BytesIO(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) == found["frames"] == 75


def test_card_says_what_is_there(hub: Hub, dataset: Path) -> None:
    assert publish(hub, dataset, "--license", "cc-by-4.0").returncode == 0
    card = hub.repos[REPO].files["README.md"].decode()
    header = yaml.safe_load(card.split("---\n")[1])
    assert header["license"] == "cc-by-4.0"
    assert {config["config_name"]: config.get("default", False) for config in header["configs"]} == {
        "events": True, "clips": False, "intent": False
    }  # fmt: skip
    infos = {info["config_name"]: info for info in header["dataset_info"]}
    assert infos["clips"]["splits"][0]["num_examples"] == 4
    assert {"name": "video", "dtype": "video"} in infos["clips"]["features"]
    assert header["size_categories"] == ["n<1K"]
    for said in ("| desktop | scripted | 2 |", "tests.factories.write", f'load_dataset("{REPO}", "events"', "efficacy"):
        assert said in card


def test_only_the_files_that_dataset_json_names_are_sent(hub: Hub, dataset: Path) -> None:
    (dataset / "clips" / "clips-99999.parquet").write_bytes(b"stray")
    (dataset / "secret.env").write_text("KEY=1")
    (dataset / "report.html").write_text("page")
    assert publish(hub, dataset).returncode == 0
    manifest = json.loads((dataset / "dataset.json").read_text())
    named = {shard["path"] for shard in manifest["shards"]} | {entry["shard"]["path"] for entry in manifest["scores"]}
    assert set(hub.repos[REPO].files) == named | {"README.md", "preview.png", "dataset.json", ".gitattributes"}


def test_dry_run_sends_nothing_and_needs_no_token(hub: Hub, dataset: Path) -> None:
    before = sorted(dataset.rglob("*"))
    run = publish(hub, dataset, "--dry-run", token=None)
    assert run.returncode == 0, run.stderr
    assert "clips/clips-00000.parquet" in run.stdout
    assert "config_name: events" in run.stdout
    assert hub.requests == []
    assert sorted(dataset.rglob("*")) == before


def test_missing_token_is_one_line(hub: Hub, dataset: Path) -> None:
    assert "no Hub token; set HF_TOKEN" in only_line(publish(hub, dataset, token=None))
    assert hub.requests == []


def test_refused_token_is_one_line(hub: Hub, dataset: Path) -> None:
    assert "refused the token (401)" in only_line(publish(hub, dataset, token="hf_" + "x" * 34))


def test_refused_owner_is_one_line(hub: Hub, dataset: Path) -> None:
    line = only_line(publish(hub, dataset, repo="someone-else/clips"))
    assert "403" in line
    assert "You don't have the rights" in line
    assert hub.repos == {}


@pytest.mark.parametrize("name", ["clips", "a/b/c", "team/", "te am/clips", "team/clips.git", "-team/x"])
def test_bad_repository_name_is_one_line(
    hub: Hub, dataset: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "--dry-run", "--", str(dataset), name]) == 2
    assert "give OWNER/NAME" in capsys.readouterr().err


def test_no_hub_there_is_one_line(dataset: Path) -> None:
    with Hub() as gone:
        pass
    line = only_line(publish(gone, dataset))
    assert f"the connection to {gone.url} failed" in line


def test_dropped_connection_is_one_line_and_the_second_run_goes_on(hub: Hub, dataset: Path) -> None:
    hub.drop_after = 2
    line = only_line(publish(hub, dataset))
    assert "failed" in line
    assert "run the same command again" in line
    arrived = list(hub.received)
    assert len(arrived) == 2
    assert set(hub.repos[REPO].files) == {".gitattributes"}, "a half-sent data set must not be visible"
    hub.drop_after = None
    assert publish(hub, dataset).returncode == 0
    assert len(hub.received) == len(set(hub.received)), "an object was sent twice"
    assert len(hub.received) == 6  # two clips shards, one events shard, two score tables, the picture


def test_publishing_again_sends_nothing_again(hub: Hub, dataset: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    sent, commits = list(hub.received), hub.repos[REPO].commits
    assert publish(hub, dataset).returncode == 0
    assert hub.received == sent
    assert hub.repos[REPO].commits == commits


def test_shards_that_are_gone_leave_the_repository_too(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    smaller = tmp_path / "smaller"
    assert main(["select", str(dataset), "--where", "seed = 0", "--out", str(smaller)]) == 0
    assert publish(hub, smaller).returncode == 0
    clips = [name for name in hub.repos[REPO].files if name.startswith("clips/")]
    assert clips == ["clips/clips-00000.parquet"]


def test_private_makes_a_private_repository(hub: Hub, dataset: Path) -> None:
    assert publish(hub, dataset, "--private").returncode == 0
    assert hub.repos[REPO].private


def test_private_is_refused_where_the_repository_is_public(hub: Hub, dataset: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    assert not hub.repos[REPO].private
    sent = list(hub.received)
    assert "is public" in only_line(publish(hub, dataset, "--private"))
    assert hub.received == sent


def test_repository_with_other_things_is_left_alone(hub: Hub, dataset: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    hub.repos[REPO].files = {"model.safetensors": b"x", "README.md": b"mine"}
    assert "holds something else already (model.safetensors)" in only_line(publish(hub, dataset))
    assert hub.repos[REPO].files["README.md"] == b"mine"


def test_changed_file_is_not_published(hub: Hub, dataset: Path) -> None:
    shard = dataset / "events" / "events-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[100] ^= 0xFF
    shard.write_bytes(data)
    assert f"{shard}: not the file that dataset.json names" in only_line(publish(hub, dataset))
    assert hub.requests == []


def test_card_written_by_hand_is_kept(hub: Hub, dataset: Path) -> None:
    (dataset / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    assert publish(hub, dataset).returncode == 0
    assert hub.repos[REPO].files["README.md"] == b"---\nlicense: mit\n---\n# Mine\n"


def test_downloaded_data_set_is_a_data_set(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    for name, data in hub.repos[REPO].files.items():
        path = tmp_path / "down" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    down = tmp_path / "down"
    assert ClipReader(down).clip_ids() == ClipReader(dataset).clip_ids()
    assert main(["score", str(down)]) == 0


def test_the_cards_own_examples_run(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    assert publish(hub, dataset).returncode == 0
    card = hub.repos[REPO].files["README.md"].decode()
    examples = re.findall(r"```python\n(.*?)```", card, re.S)
    assert len(examples) == 3
    for code in examples:
        env = environment(hub, tmp_path / "home")
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
    assert "scripted" in run.stdout
    assert f"]({'preview.png'})" in card
    assert hub.repos[REPO].files["preview.png"].startswith(b"\x89PNG")
