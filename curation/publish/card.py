"""The data-set card: a README.md made from what the data set itself says."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from datasets import DatasetInfo, Features
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict, SplitInfo
from huggingface_hub import DatasetCardData

from curation.publish.columns import CLIP_COLUMNS, SCORE_COLUMNS
from curation.report.table import METRICS, ArmRow, compare, format_mean
from curation.tables import rows_with_scores
from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA
from manifests.clip_io import ClipReader
from manifests.dataset import MADE_BY, DatasetManifest

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def make_card(dataset: Path, repo_id: str, license_id: str | None) -> str:
    """The text of README.md for a data set that will be `repo_id` on the Hub.

    Raises `GoaltraceError` when the data set or its scores cannot be read.
    """
    reader = ClipReader(dataset)
    manifest, arms = reader.manifest, compare(rows_with_scores(reader))
    header = yaml.safe_dump(_header(manifest, license_id), sort_keys=False, allow_unicode=True, width=1000)
    parts = [
        f"---\n{header}---\n{MADE_BY}\n",
        f"# {plain(manifest.name)}\n",
        "Recordings of computers in use: frames and input events on one clock, packed as clips that stand alone. "
        "Made with GoalTrace.\n",
        _counts(manifest),
        "## Arms\n",
        _arms(arms),
        "## How to load it\n",
        _loading(repo_id),
        "## Columns\n",
        _table(("column", "meaning"), ((f"`{name}`", text) for name, text in CLIP_COLUMNS.items())),
        *(_score_section(manifest)),
        "## Lineage\n",
        _lineage(manifest),
        "## Left out\n",
        _left_out(manifest),
    ]
    return "\n".join(parts)


def plain(text: object) -> str:
    """Text of the data as Markdown that shows it literally: one line, no markup, no HTML."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", html.escape(line, quote=False))


def _header(manifest: DatasetManifest, license_id: str | None) -> dict[str, Any]:
    clips = manifest.counts.clips
    size = next((name for limit, name in SIZES if clips < limit), "n>10M")
    data: dict[str, Any] = {
        "license": license_id,
        "pretty_name": " ".join(manifest.name.split()),
        "task_categories": ["video-classification", "other"],
        "tags": [
            "goaltrace",
            "computer-use",
            "gui",
            "world-model",
            "video",
            *sorted(" ".join(kind.split()) for kind in manifest.counts.hours_by_kind),
        ],
        "size_categories": [size],
        "configs": [
            {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/*.parquet"}]}
            | ({"default": True} if name == "events" else {})
            for name in _configs(manifest)
        ],
        "dataset_info": _dataset_info(manifest),
    }
    return {key: value for key, value in data.items() if value is not None}


def _configs(manifest: DatasetManifest) -> list[str]:
    return ["events", "clips"] + (["scores"] if manifest.scores else [])


def _dataset_info(manifest: DatasetManifest) -> list[dict[str, Any]]:
    infos = {}
    for config, schema in (("events", EVENTS_SCHEMA), ("clips", CLIPS_SCHEMA)):
        shards = [shard for shard in manifest.shards if shard.path.startswith(f"{config}/")]
        rows, size = sum(shard.rows for shard in shards), sum(shard.bytes for shard in shards)
        splits = SplitDict({"train": SplitInfo("train", num_bytes=size, num_examples=rows)})
        infos[config] = DatasetInfo(
            features=Features.from_arrow_schema(schema),
            splits=splits,
            config_name=config,
            download_size=size,
            dataset_size=size,
        )
    card = DatasetCardData()
    DatasetInfosDict(infos).to_dataset_card_data(card)
    return list(card.dataset_info)  # type: ignore[attr-defined]


def _counts(manifest: DatasetManifest) -> str:
    counts = manifest.counts
    outcomes = ", ".join(f"{number:,} {plain(name)}" for name, number in counts.sessions_by_outcome.items())
    return (
        f"**{counts.hours:.3f} hours**, {counts.sessions:,} sessions ({outcomes}), {counts.clips:,} clips, "
        f"{counts.frames:,} frames, {counts.actions:,} input events. Schema {manifest.schema_version}.\n"
    )


def _arms(arms: Sequence[ArmRow]) -> str:
    heads = ("kind", "arm", "sessions", "clips", "hours", *(title for title, _ in METRICS.values()))
    rows = (
        [
            *(plain(row.kind), plain(row.arm), str(row.sessions), str(row.clips), f"{row.hours:.3f}"),
            *(format_mean(row.means[name]) for name in METRICS),
        ]
        for row in arms
    )
    note = "Means over clips, 95 % intervals (sessions resampled). Chance is 0 for efficacy, 0.5 for contingency.\n"
    return f"{_table(heads, rows)}\n{note}"


def _loading(repo_id: str) -> str:
    return f'''```python
from datasets import Video, load_dataset

events = load_dataset("{repo_id}", "events", split="train")  # everything but the pixels
clips = load_dataset("{repo_id}", "clips", split="train", streaming=True)
clips = clips.cast_column("video", Video(decode=False))  # MP4 bytes; leave this out to decode with torchcodec

import io, av

row = next(iter(clips))
with av.open(io.BytesIO(row["video"]["bytes"])) as video:
    pictures = [picture.to_ndarray(format="rgb24") for picture in video.decode(video=0)]
frames = [pictures[number] for number in row["picture"]]  # an unchanged screen is stored once
assert len(frames) == len(row["t1_ns"])  # frame i is the screen in [t0_ns[i], t1_ns[i]]
```
'''


def _score_section(manifest: DatasetManifest) -> list[str]:
    if not manifest.scores:
        return []
    return [
        "## Scores\n",
        "One row per clip in `scores/`, keyed by `clip_id` (config `scores`). A value is null where it is not defined. "
        "Intent is not success: `outcome` is a column of its own.\n",
        _table(("column", "meaning"), ((f"`{name}`", text) for name, text in SCORE_COLUMNS.items())),
    ]


def _lineage(manifest: DatasetManifest) -> str:
    rows = (
        (
            step.when_utc,
            plain(step.command),
            step.version,
            plain(", ".join(f"{key}={value}" for key, value in step.parameters.items())),
            plain(", ".join(f"{source.name} {source.sha256[:12]}" for source in step.inputs[:6]))
            + (f" and {len(step.inputs) - 6} more" if len(step.inputs) > 6 else ""),
        )
        for step in manifest.lineage
    )
    text = "`dataset.json` has it in full, with the SHA-256 of every file.\n"
    return _table(("when (UTC)", "command", "version", "parameters", "inputs"), rows) + "\n" + text


def _left_out(manifest: DatasetManifest) -> str:
    if not manifest.left_out:
        return "No session was left out.\n"
    return _table(("session", "reason"), ((plain(entry.name), plain(entry.reason)) for entry in manifest.left_out))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
