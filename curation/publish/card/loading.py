"""The card's sections on loading the data set, joining its tables, and the columns. A test runs the code as it is."""

from __future__ import annotations

from collections.abc import Sequence

from curation.publish.card.header import HubConfig
from curation.publish.card.text import code, table
from curation.publish.columns import CLIP_COLUMNS, SCORE_COLUMNS
from manifests.clip import EVENTS_SCHEMA

MEANINGS = {"clip_id": "which clip"} | SCORE_COLUMNS


def loading(repo_id: str) -> str:
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


def joining(repo_id: str, tables: Sequence[HubConfig]) -> str:
    """The events with the first table of scores, by `datasets` and by SQL; every table has `clip_id`."""
    scores = next((config for config in tables if config.stage), None)
    if scores is None:
        return "There is no table of scores yet; `events` and `clips` have `clip_id` in common.\n"
    number = _number(scores)
    where = scores.paths if isinstance(scores.paths, str) else scores.paths[0]
    return f'''Every table has one row per clip and the column `clip_id`.

```python
from datasets import load_dataset

events = load_dataset("{repo_id}", "events", split="train").select_columns(["clip_id", "arm", "outcome"])
scores = load_dataset("{repo_id}", "{scores.name}", split="train")
joined = events.to_pandas().merge(scores.to_pandas(), on="clip_id", validate="one_to_one")
print(joined.groupby("arm")["{number}"].mean())
```

```python
import duckdb
from huggingface_hub import snapshot_download

folder = snapshot_download("{repo_id}", repo_type="dataset", allow_patterns=["events/*", "scores/*"])
print(duckdb.sql(f"""
    SELECT arm, count(*) AS clips, avg("{number}") AS mean
    FROM '{{folder}}/events/*.parquet' JOIN '{{folder}}/{where}' USING (clip_id)
    GROUP BY arm ORDER BY arm
"""))
```
'''


def _number(scores: HubConfig) -> str:
    """A column that can be averaged: efficacy where it is."""
    numbers = [field.name for field in scores.schema if str(field.type) in ("double", "float", "int32", "int64")]
    known = [name for name in ("efficacy", *numbers) if name in numbers]
    return known[0] if known else "clip_id"


def columns(tables: Sequence[HubConfig]) -> str:
    """What every column of every config means, with its type."""
    kinds = {field.name: str(field.type) for field in EVENTS_SCHEMA}
    parts = [
        "### `events` and `clips`\n",
        table(
            ("column", "type", "meaning"),
            ((f"`{names}`", _types(names, kinds), text) for names, text in CLIP_COLUMNS.items()),
        ),
    ]
    for config in tables:
        if config.stage is None:
            continue
        lines = [(code(field.name), code(field.type), MEANINGS.get(field.name, "–")) for field in config.schema]
        note = "A value is null where it is not defined. Intent is not success: `outcome` is a column of its own.\n"
        parts += [
            f"### `{config.name}`\n",
            note if config.stage == "intent" else "",
            table(("column", "type", "meaning"), lines),
        ]
    return "\n".join(part for part in parts if part)


def _types(names: str, kinds: dict[str, str]) -> str:
    found = dict.fromkeys(kinds.get(name, "Video" if name == "video" else "") for name in names.split(", "))
    return ", ".join(f"`{'list of structs' if 'struct' in kind else kind.replace('item: ', '')}`" for kind in found)
