"""The card's YAML header: what the Hub, its viewer and `datasets` read."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import DatasetInfo, Features
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict, SplitInfo
from huggingface_hub import DatasetCardData

from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA
from manifests.clip_io import open_parquet
from manifests.dataset import DatasetManifest, Shard

SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


@dataclass(frozen=True)
class HubConfig:
    """One table that can be loaded by name."""

    name: str
    paths: str | list[str]
    """A glob, or the files where no glob names them alone."""
    shards: list[Shard]
    schema: pa.Schema
    stage: str | None = None
    """The score stage that made it."""


def configs(dataset: Path, manifest: DatasetManifest) -> list[HubConfig]:
    """`events`, `clips`, and one for each stage of scores: their columns differ."""
    found = [
        HubConfig(name, f"{name}/*.parquet", [s for s in manifest.shards if s.path.startswith(f"{name}/")], schema)
        for name, schema in (("events", EVENTS_SCHEMA), ("clips", CLIPS_SCHEMA))
    ]
    every = [score.shard.path for score in manifest.scores]
    for stage in dict.fromkeys(score.name for score in manifest.scores):
        shards = [score.shard for score in manifest.scores if score.name == stage]
        own, pattern = [shard.path for shard in shards], f"scores/{stage}-*.parquet"
        alone = [path for path in every if fnmatch(path, pattern)] == own
        schema = open_parquet(dataset / own[0]).schema_arrow
        name = f"scores-{stage}" if stage in ("events", "clips") else stage
        found.append(HubConfig(name, pattern if alone else own, shards, schema, stage))
    return found


def header(manifest: DatasetManifest, tables: list[HubConfig], license_id: str | list[str] | None) -> dict[str, Any]:
    """The header as a mapping, in the order in which it is written."""
    clips = manifest.counts.clips
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
        "size_categories": [next((name for limit, name in SIZES if clips < limit), "n>10M")],
        "configs": [
            {"config_name": config.name, "data_files": [{"split": "train", "path": config.paths}]}
            | ({"default": True} if config.name == "events" else {})
            for config in tables
        ],
        "dataset_info": _infos(tables),
    }
    return {key: value for key, value in data.items() if value is not None}


def _infos(tables: list[HubConfig]) -> list[dict[str, Any]]:
    infos = {}
    for config in tables:
        rows, size = sum(shard.rows for shard in config.shards), sum(shard.bytes for shard in config.shards)
        infos[config.name] = DatasetInfo(
            features=Features.from_arrow_schema(config.schema),
            splits=SplitDict({"train": SplitInfo("train", num_bytes=size, num_examples=rows)}),
            config_name=config.name,
            download_size=size,
            dataset_size=size,
        )
    card = DatasetCardData()
    DatasetInfosDict(infos).to_dataset_card_data(card)
    return list(card.dataset_info)  # type: ignore[attr-defined]
