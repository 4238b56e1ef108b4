"""The data-set card: a README.md made from what the data set itself says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import yaml
from huggingface_hub import constants

from curation.publish.card.contents import actors, arms, counts, families, left_out, lineage
from curation.publish.card.header import configs, header
from curation.publish.card.loading import columns, joining, loading
from curation.publish.card.text import plain, table
from curation.publish.card.use_and_privacy import citation, privacy, uses
from curation.publish.preview import PREVIEW, PreviewClip
from curation.tables import rows_with_scores
from manifests.clip_io import ClipReader
from manifests.dataset import MADE_BY


def make_card(
    dataset: Path,
    repo_id: str,
    license_id: str | list[str] | None,
    shown: Sequence[PreviewClip] = (),
    rows: pa.Table | None = None,
) -> str:
    """The text of README.md for a data set that will be `repo_id` on the Hub.

    Args:
        shown: the clips of the picture that goes with it, in its order; none where there is no picture.
        rows: its `rows_with_scores`, where they are at hand.

    Raises `GoaltraceError` when the data set or its scores cannot be read.
    """
    reader = ClipReader(dataset)
    manifest, rows = reader.manifest, rows if rows is not None else rows_with_scores(reader)
    tables = configs(dataset, manifest)
    head = yaml.safe_dump(header(manifest, tables, license_id), sort_keys=False, allow_unicode=True, width=1000)
    sections = {
        "Who acted": actors(rows),
        "Tasks and families": families(rows),
        "Arms": arms(rows),
        "How to load it": loading(repo_id),
        "Joining": joining(repo_id, tables),
        "Columns": columns(tables),
        "Intended use and limits": uses(manifest, rows),
        "Privacy": privacy(manifest, rows),
        "Licence": _licence(license_id),
        "Citation": citation(manifest, repo_id, f"{constants.ENDPOINT}/datasets/{repo_id}"),
        "Lineage": lineage(manifest),
        "Left out": left_out(manifest),
    }
    parts = [
        f"---\n{head}---\n{MADE_BY}\n",
        f"# {plain(manifest.name)}\n",
        "Recordings of computers in use: frames and input events on one clock, packed as clips that stand alone. "
        "Made with GoalTrace.\n",
        counts(manifest),
        *([_preview(shown)] if shown else []),
        *(f"## {title}\n\n{text}" for title, text in sections.items()),
    ]
    return "\n".join(parts)


def _preview(shown: Sequence[PreviewClip]) -> str:
    rows = ((str(place), f"`{clip.clip_id}`", plain(clip.kind), plain(clip.arm), plain(clip.goal)) for place, clip in
            enumerate(shown, start=1))  # fmt: skip
    return (
        f"![One clip a row, in time from left to right, with the pointer's way and clicks drawn on]({PREVIEW})\n\n"
        + table(("row", "clip", "kind", "arm", "goal"), rows)
    )


def _licence(license_id: str | list[str] | None) -> str:
    if license_id is None:
        return "None was given: nobody may use it until its owner says under which terms.\n"
    names = ", ".join(f"`{name}`" for name in ([license_id] if isinstance(license_id, str) else license_id))
    return f"{names}. Pictures show programs of others, whose names and marks stay theirs.\n"
