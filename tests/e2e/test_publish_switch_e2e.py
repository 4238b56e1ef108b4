"""Whoever reads `main` sees the old data set or the new one, whatever happens to the run that replaces it."""

from __future__ import annotations

import copy
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.publish import switch
from tests.curation.publish.hub_server import TOKEN, Hub
from tests.factories import make_clip, write_dataset

pytestmark = pytest.mark.e2e
REPO = "team/desktop-clips"
REALLY_MANY = switch.ONE_COMMIT // 2 + 5
"""Shards of each config, so that there are more files than one commit takes."""
MOST, MANY = 12, 8
"""The same on a smaller scale: files that one commit takes, told to the command by `RUN`, and shards of each config."""
RUN = f"""
import sys, time
slept = time.sleep
time.sleep = lambda seconds: slept(min(seconds, 0.1))  # between tries
from curation.publish import switch
from goaltrace import main
if sys.argv.pop(1) == "few":
    switch.ONE_COMMIT = {MOST}
sys.exit(main())
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


@pytest.fixture(scope="module")
def clip() -> dict[str, Any]:
    return make_clip("scripted", 0, frames=30)


def make(path: Path, clip: dict[str, Any], goal: str, shards: int = 3, first: int = 0) -> Path:
    """A data set of so many shards of each config, one session in each."""
    rows = []
    for number in range(first, first + shards):
        row = copy.deepcopy(clip)
        name = f"session-{number:04d}"
        rows.append(row | {"clip_id": f"{name}-0000", "session_id": name, "episode_id": name, "goal": goal})
    return write_dataset(path, rows, shard_bytes=1)


def start(hub: Hub, dataset: Path, *, xet: bool = False, home: str = "home") -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    own |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(dataset.parent / home), "HF_TOKEN": TOKEN}
    own |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"} | ({} if xet else {"HF_HUB_DISABLE_XET": "1"})
    scale = "few" if len([*dataset.glob("clips/*")]) < REALLY_MANY - 1 else "many"
    command = [sys.executable, "-c", RUN, scale, "publish", str(dataset), REPO, "--license", "mit", "--unscanned"]
    return subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def publish(hub: Hub, dataset: Path, *, xet: bool = False, home: str = "home") -> tuple[int, str]:
    """Exit status, and what was said."""
    run = start(hub, dataset, xet=xet, home=home)
    out, err = run.communicate(timeout=300)
    return run.returncode, out + err


def shas(hub: Hub) -> dict[str, str]:
    return hub.repos[REPO].listing()


@pytest.mark.parametrize(("shards", "xet"), [(3, False), (3, True), (MANY, False), (REALLY_MANY, True)])
def test_a_replacement_is_seen_as_one_step(
    hub: Hub, clip: dict[str, Any], tmp_path: Path, shards: int, xet: bool
) -> None:
    old, new = make(tmp_path / "old", clip, "Old", shards), make(tmp_path / "new", clip, "New", shards - 1)
    assert publish(hub, old, xet=xet)[0] == 0
    first = shas(hub)
    assert publish(hub, new, xet=xet)[0] == 0
    assert hub.repos[REPO].seen == [first, shas(hub)]
    assert len([name for name in shas(hub) if name.startswith("clips/")]) == shards - 1
    assert max(hub.commit_sizes) <= (MOST if shards < REALLY_MANY else switch.ONE_COMMIT)
    assert [pull.status for pull in hub.repos[REPO].pulls] == ([] if shards == 3 else ["merged", "merged"])


@pytest.mark.parametrize("shards", [3, MANY])
def test_a_cut_replacement_leaves_the_old_one_and_the_second_run_goes_on(
    hub: Hub, clip: dict[str, Any], tmp_path: Path, shards: int
) -> None:
    old, new = make(tmp_path / "old", clip, "Old", shards), make(tmp_path / "new", clip, "New", shards)
    assert publish(hub, old)[0] == 0
    first, arrived = shas(hub), len(hub.received)
    hub.drop_after = hub.uploads + (4 if shards == 3 else MOST + 2)  # some way through, or in the second part
    status, said = publish(hub, new)
    assert status == 2, said
    assert "run the same command again, what has arrived is not sent twice" in said
    assert shas(hub) == first
    assert len(hub.received) > arrived
    hub.drop_after = None
    assert publish(hub, new)[0] == 0
    assert len(hub.received) == len(set(hub.received)), "an object was sent twice"
    assert hub.repos[REPO].seen == [first, shas(hub)]
    assert len(hub.repos[REPO].pulls) == (0 if shards == 3 else 2)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_a_run_that_is_stopped_or_killed_changes_nothing(
    hub: Hub, clip: dict[str, Any], tmp_path: Path, kind: signal.Signals, xet: bool
) -> None:
    old, new = make(tmp_path / "old", clip, "Old"), make(tmp_path / "new", clip, "New")
    assert publish(hub, old, xet=xet)[0] == 0
    first = shas(hub)
    run = start(hub, new, xet=xet)
    hub.on_bytes = lambda: run.send_signal(kind)
    said = "".join(run.communicate(timeout=60))
    assert run.returncode == (130 if kind == signal.SIGINT else -signal.SIGKILL), said
    assert "Traceback" not in said
    assert shas(hub) == first
    hub.on_bytes = lambda: None
    assert publish(hub, new, xet=xet)[0] == 0
    assert hub.repos[REPO].seen == [first, shas(hub)]


def test_a_commit_that_is_refused_is_one_line_and_nothing_has_changed(
    hub: Hub, clip: dict[str, Any], tmp_path: Path
) -> None:
    old, new = make(tmp_path / "old", clip, "Old"), make(tmp_path / "new", clip, "New")
    assert publish(hub, old)[0] == 0
    first = shas(hub)
    hub.commit_fault = "refused"
    status, said = publish(hub, new)
    assert (status, len(said.strip().splitlines())) == (2, 1)
    assert "the Hub answered 503" in said
    assert shas(hub) == first


def test_a_commit_whose_answer_was_lost_counts_as_made(hub: Hub, clip: dict[str, Any], tmp_path: Path) -> None:
    dataset = make(tmp_path / "data", clip, "One")
    hub.commit_fault = "unheard"
    status, said = publish(hub, dataset)
    assert status == 0, said
    assert "published" in said
    hub.commit_fault = None
    assert "nothing has changed" in publish(hub, dataset)[1]
    assert len(hub.commit_sizes) == 1


@pytest.mark.parametrize("shards", [3, MANY])
def test_somebody_who_is_quicker_is_not_overwritten(
    hub: Hub, clip: dict[str, Any], tmp_path: Path, shards: int
) -> None:
    old, new = make(tmp_path / "old", clip, "Old", shards), make(tmp_path / "new", clip, "New", shards)
    assert publish(hub, old)[0] == 0

    def change() -> None:
        hub.on_commit = lambda: None
        hub.repos[REPO].files["events/events-00000.parquet"] = b"theirs"
        hub.repos[REPO].moved()

    hub.on_commit = change
    status, said = publish(hub, new)
    assert (status, len(said.strip().splitlines())) == (2, 1), said
    assert "somebody else changed it meanwhile" in said
    assert hub.repos[REPO].files["events/events-00000.parquet"] == b"theirs"
    assert publish(hub, new)[0] == 0
    assert hub.repos[REPO].files["events/events-00000.parquet"] == (new / "events/events-00000.parquet").read_bytes()


@pytest.mark.parametrize("shards", [3, MANY])
def test_what_is_not_ours_stays(hub: Hub, clip: dict[str, Any], tmp_path: Path, shards: int) -> None:
    old, new = make(tmp_path / "old", clip, "Old", shards), make(tmp_path / "new", clip, "New", shards)
    assert publish(hub, old)[0] == 0
    theirs = {"LICENSE": b"terms", "clips/notes.txt": b"notes", "extra/table.parquet": b"PAR1"}
    hub.repos[REPO].files |= theirs
    assert publish(hub, new)[0] == 0
    assert theirs.items() <= hub.repos[REPO].files.items()


def test_a_strangers_pull_request_of_the_same_name_is_not_merged(
    hub: Hub, clip: dict[str, Any], tmp_path: Path
) -> None:
    dataset = make(tmp_path / "data", clip, "One", MANY)
    hub.drop_after = MOST + 2
    assert publish(hub, dataset)[0] == 2
    (pull,) = hub.repos[REPO].pulls
    pull.author = "stranger"
    pull.files["extra.py"] = b"harm"
    hub.drop_after = None
    assert publish(hub, dataset)[0] == 0
    assert [pull.status for pull in hub.repos[REPO].pulls] == ["open", "merged"]
    assert "extra.py" not in hub.repos[REPO].files


def test_after_sessions_were_added_another_machine_sends_what_is_new(
    hub: Hub, clip: dict[str, Any], tmp_path: Path
) -> None:
    def grown(path: Path, sessions: list[int]) -> Path:
        rows = []
        for number, part in ((number, part) for number in sessions for part in range(2)):
            name, video = f"session-{number:04d}", random.Random(2 * number + part).randbytes(size)
            row = {"clip_id": f"{name}-{part:04d}", "session_id": name, "video": {"bytes": video, "path": "x.mp4"}}
            rows.append(copy.deepcopy(clip) | row)
        return write_dataset(path, rows)

    size = 400_000
    old = grown(tmp_path / "old", [*range(0, 60, 2)])
    new = grown(tmp_path / "new", sorted([*range(0, 60, 2), 11, 31, 51]))
    assert publish(hub, old, xet=True)[0] == 0
    before = hub.xet.received
    assert before > 30 * 2 * size
    assert publish(hub, new, xet=True, home="another")[0] == 0
    assert hub.xet.received - before < 1.5 * 3 * 2 * size
    shard = "clips/clips-00000.parquet"
    assert hub.repos[REPO].files[shard] == (new / shard).read_bytes()
