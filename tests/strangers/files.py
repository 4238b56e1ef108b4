"""Files as strangers bring them, small and whole: what the tests and the fuzz of this folder begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import goaltrace
from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA
from manifests.session import SessionFolder
from tests.collector.session_folders import make_session
from tests.factories import make_clip, named_anew, write_dataset

Change = Callable[[dict[str, Any]], object]


def run(*arguments: object) -> int:
    """One command, in this process."""
    return goaltrace.main([str(argument) for argument in arguments])


def changed_json(path: Path, change: Change) -> None:
    """Another document in a file, written as carelessly as strangers do."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def changed_line(path: Path, number: int, change: Change) -> None:
    """One line of a log changed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    record = json.loads(lines[number])
    change(record)
    lines[number] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_terminal(path: Path, lines: list[list[Any]], columns: int = 20, rows: int = 5) -> SessionFolder:
    """A terminal's session with a cast of these events, drawn."""
    from collector.terminal.render import render_session

    folder = make_session(path, frames=2, kind="terminal", columns=columns, rows=rows, actions=0, duration_ns=0)
    for old in (folder.screen, folder.frames_path, folder.actions_path, folder.intents_path):
        old.unlink()
    folder.actions_path.touch()
    header = {"version": 3, "term": {"cols": columns, "rows": rows}}
    folder.cast.write_text("".join(json.dumps(line) + "\n" for line in [header, *lines]))
    render_session(folder, 15)
    return folder


def make_clips(path: Path, count: int = 3) -> Path:
    """A data set of short clips."""
    return write_dataset(path, (make_clip("scripted", seed, frames=12) for seed in range(count)))


def with_clip(dataset: Path, row: int, change: Change, named: bool = True) -> Path:
    """The data set with one clip changed in both configs, against every rule of the schema if need be."""
    for config, schema in (("clips", CLIPS_SCHEMA), ("events", EVENTS_SCHEMA)):
        path = dataset / config / f"{config}-00000.parquet"
        rows = pq.read_table(path).to_pylist()
        change(rows[row])
        loose = pa.schema([field.with_nullable(True) for field in schema], metadata=schema.metadata)
        table = pa.Table.from_pylist(rows, schema=loose)
        pq.write_table(table, path, row_group_size=4, write_page_checksum=True)
    return named_anew(dataset) if named else dataset


def make_run(path: Path, dataset: Path) -> None:
    """A run's settings and an evaluation of it; its model is missing."""
    from trainer.checkpoint.info import RunInfo
    from trainer.settings.presets import preset

    path.mkdir()
    RunInfo("tiny", preset("tiny"), 0, str(dataset), None, ["scripted-0"]).write(path)
    samples = {
        "ssim": {"how": "mean", "sums": [[1.0, 2.0], [2.5, 1.0]], "counts": [[2.0, 3.0], [3.0, 2.0]]},
        "distance": {"how": "median", "values": [[1.0, 2.0], [3.0]]},
    }
    kinds = {"desktop": {"sessions": ["a", "b"], "rows": {"true": {}}, "samples": {"true": samples}}}
    clips = [{"clip": f"{session}-0000", "first": 4, "frames": 8} for session in "ab"]
    document = {
        "run": str(path), "step": 3, "seeds": [0], "given_frames": 4, "fps": 5.0, "width": 64, "height": 48,
        "clips": clips, "kinds": kinds, "weights": {},
    }  # fmt: skip
    (path / "evaluation.json").write_text(json.dumps(document))
