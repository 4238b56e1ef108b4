"""What a push sends: bytes of a first push, of one in which nothing changed, and of one after sessions were added.

    python benchmarks/publish.py [--sessions 40] [--added 10] [--clips 6] [--kilobytes 400] [--json]

The Hub is the one of the tests on 127.0.0.1, the client huggingface_hub with hf_xet as installed; every push is a
process of its own with an empty cache, as from another machine. Bytes are those of request bodies to Xet's storage, or
to LFS. Columns are a real clip's, with times, pointer and actions varied; the video is bytes that cannot be compressed,
as H.264. Sessions are added at the end, and in between (as `pack` sorts them by name). Peers in the same run: the same
clips in row groups of four whatever their session; the same with PyArrow's content-defined chunking; `upload_folder`
instead of `goaltrace publish`; whole files (LFS, without Xet).
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow.parquet as pq

from manifests.clip_io import _ShardWriter
from tests.curation.publish.hub_server import TOKEN, Hub
from tests.factories import make_clip, write_dataset

REPO = "team/bench"
PEER = f"""
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo({REPO!r}, repo_type="dataset", exist_ok=True)
api.upload_folder(repo_id={REPO!r}, repo_type="dataset", folder_path=sys.argv[1], delete_patterns="*.parquet")
"""


def session(template: dict[str, Any], name: str, clips: int, size: int) -> list[dict[str, Any]]:
    """The clips of one session, the same on every call."""
    chance = random.Random(name)
    rows = []
    for number in range(clips):
        row = copy.deepcopy(template)
        row |= {"session_id": name, "episode_id": name, "clip_id": f"{name}-{number:04d}", "clip_index": number}
        begin = number * 5_000_000_000 + chance.randrange(10**9)
        for column in ("t0_ns", "t1_ns"):
            row[column] = [begin + t + chance.randrange(10**6) for t in row[column]]
        row["cursor_x"] = [chance.randrange(row["width"]) for _ in row["cursor_x"]]
        row["changed"] = [chance.random() for _ in row["changed"]]
        for action in row["actions"]:
            action["t_ns"] += begin + chance.randrange(10**6)
        row["video"] = {"bytes": chance.randbytes(int(size * chance.uniform(0.3, 1.7))), "path": f"{name}-{number}.mp4"}
        rows.append(row)
    return rows


def push(hub: Hub, dataset: Path, home: Path, xet: bool, peer: bool) -> dict[str, float]:
    """Bytes that one push sends, from a machine with empty caches."""
    shutil.rmtree(home, ignore_errors=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    env |= {"PYTHONPATH": str(Path(__file__).resolve().parents[1])} | ({} if xet else {"HF_HUB_DISABLE_XET": "1"})
    ours = ["-m", "goaltrace", "publish", str(dataset), REPO, "--license", "cc-by-4.0", "--unscanned", "--json"]
    before, objects = hub.xet.received, len(hub.received)
    commits, began = len(hub.commit_sizes), time.monotonic()
    run = subprocess.run(
        [sys.executable, *(["-c", PEER, str(dataset)] if peer else ours)], env=env, capture_output=True
    )
    if run.returncode:
        raise SystemExit(run.stderr.decode())
    lfs = sum(len(hub.objects[oid]) for oid in hub.received[objects:])
    sent = hub.xet.received - before + lfs
    return {"bytes": sent, "commits": len(hub.commit_sizes) - commits, "s": time.monotonic() - began}


def pushes(
    folder: Path, make: Callable[[Path, Sequence[str]], Path], first: Sequence[str], more: dict[str, Sequence[str]],
    xet: bool = True, peer: bool = False,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """A first push, the same again, and one of each larger data set, each to a Hub that has the first."""
    found: dict[str, dict[str, float]] = {}
    for name, sessions in more.items():
        with Hub() as hub:
            small, large = make(folder / "data", first), folder / "larger" / "data"
            found["first"] = push(hub, small, folder / "home", xet, peer)
            found["unchanged"] = push(hub, small, folder / "home", xet, peer)
            make(large, sessions)
            found[name] = push(hub, large, folder / "home", xet, peer)
            found[name]["added"] = _size(large) - _size(small)
        shutil.rmtree(folder)
    return found


def _size(dataset: Path) -> int:
    return sum(path.stat().st_size for path in dataset.rglob("*.parquet"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--added", type=int, default=10)
    parser.add_argument("--clips", type=int, default=6, help="of a session")
    parser.add_argument("--kilobytes", type=int, default=400, help="of video in a clip, on average")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    template = make_clip("scripted", 1, pause=4)
    first = [f"task-{2 * number:03d}" for number in range(args.sessions)]
    new = [f"task-{2 * args.sessions + 2 * number:03d}" for number in range(args.added)]
    step = max(1, args.sessions // args.added)
    between = [f"task-{2 * step * number + 1:03d}" for number in range(args.added)]
    more = {"added at the end": first + new, "added in between": sorted(first + between)}

    def make(path: Path, names: Sequence[str]) -> Path:
        rows = (row for name in names for row in session(template, name, args.clips, args.kilobytes * 1000))
        return write_dataset(path, rows)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        found = {
            "goaltrace publish": pushes(folder, make, first, more),
            "upload_folder": pushes(folder, make, first, more, peer=True),
            "goaltrace publish, LFS": pushes(folder, make, first, more, xet=False),
        }
        by_session, writer = _ShardWriter._is_of_another_session, pq.ParquetWriter
        pq.ParquetWriter = functools.partial(writer, use_content_defined_chunking=True)
        found["with chunking"] = pushes(folder, make, first, more)
        pq.ParquetWriter, _ShardWriter._is_of_another_session = writer, lambda self, row: False
        found["groups of four"] = pushes(folder, make, first, more)
        pq.ParquetWriter = functools.partial(writer, use_content_defined_chunking=True)
        found["groups of four, chunking"] = pushes(folder, make, first, more)
        pq.ParquetWriter, _ShardWriter._is_of_another_session = writer, by_session
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'bytes sent':<26}" + "".join(f"{case:>20}" for case in ("first", "unchanged", *more)))
    for who, cases in found.items():
        print(f"{who:<26}" + "".join(f"{case['bytes']:>20,.0f}" for case in cases.values()))
    print("\nsent for each byte by which the files grew")
    for who, cases in found.items():
        print(
            f"{who:<26}" + "".join(f"{case}: {cases[case]['bytes'] / cases[case]['added']:>7.3f}   " for case in more)
        )


if __name__ == "__main__":
    main()
