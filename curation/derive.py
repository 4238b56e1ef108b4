"""Writing a data set from clips of others, atomically, with their stages' tables and their lineage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from curation.stage import clips_shards, shard_at, table_name, write_table
from curation.tables import read_scores
from manifests.clip import ClipRow
from manifests.clip_io import BadClip, ClipReader, ClipWriter, clip_table, open_parquet
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest, Input, LeftOutItem, LineageStep, ScoreTable
from manifests.errors import GoaltraceError
from manifests.files import new_folder, sha256_of
from manifests.item_errors import UnexpectedError, one_item
from manifests.machine_names import without_machine_names
from manifests.progress import OnProgress, Progress


@dataclass(frozen=True)
class DerivedDataset:
    """A data set that was written, and the clips that could not be."""

    manifest: DatasetManifest
    left_out: Mapping[str, str]
    """Clip -> why it could not be written."""


def derive(
    parents: Sequence[ClipReader],
    out: Path,
    clip_ids: Sequence[str],
    take: Callable[[str], ClipRow],
    step: LineageStep,
    on_progress: OnProgress,
    not_carried: Sequence[str] = (),
    finish: Callable[[Path], object] = lambda root: None,
) -> DerivedDataset:
    """Write the clips as a data set at `out`, with the rows that stages of curation made for them.

    Args:
        parents: readers of the data sets that the clips come from.
        take: returns a clip's row, with video; raises `BadClip` for one that is to be left out.
        step: the new step of the lineage; its inputs are filled in.
        not_carried: stages whose tables are not copied.
        finish: called with the temporary folder before it is renamed to `out`.

    Raises `GoaltraceError` where no clip can be written; then `out` does not exist.
    """
    counter, broken = ClipCounter(), dict[str, str]()
    work = step.command.split()[-1].lstrip("-")
    with new_folder(out) as root:
        with ClipWriter(root) as writer:
            for done, clip_id in enumerate(clip_ids, start=1):
                try:
                    with one_item(f"clip {clip_id}"):
                        row = take(clip_id)
                        clip = clip_table(row)
                except (BadClip, UnexpectedError) as error:
                    broken[clip_id] = str(error)
                    on_progress(Progress(work, done, len(clip_ids), "clip", left_out_line(clip_id, str(error))))
                    continue
                writer.write_table(clip)
                counter.add(row)
                on_progress(Progress(work, done, len(clip_ids), "clip"))
        if len(broken) == len(clip_ids):
            why = f"; the first: {broken[clip_ids[0]]}" if broken else ""
            raise GoaltraceError(f"none of the {len(clip_ids)} clips can be kept{why}")
        step.inputs = _once(
            Input(name=parent.manifest.name, sha256=sha256_of(parent.folder.manifest_path)) for parent in parents
        )
        manifest = DatasetManifest(
            name=out.name,
            counts=counter.result(),
            shards=writer.shards,
            lineage=[*_once(past for parent in parents for past in parent.manifest.lineage), step],
            left_out=_once(_left_out(parents, set(clip_ids), broken)),
        )
        manifest.scores = list(_carried(parents, root, manifest, not_carried))
        DatasetFolder(root).write_manifest(manifest)
        finish(root)
    return DerivedDataset(DatasetFolder(out).read_manifest(), broken)


def left_out_line(clip: str, reason: str) -> str:
    """The progress message for a clip that is left out."""
    return f"left out: {clip}: {reason}"


@dataclass(frozen=True)
class StageRows:
    """A stage's rows for the clips of all parents, and one of its dataset.json entries, from which others are made."""

    entry: ScoreTable
    rows: pa.Table


def stage_rows(parents: Sequence[ClipReader]) -> tuple[dict[str, StageRows], dict[str, str]]:
    """Stage -> its rows for the clips of all parents; and stage -> why its tables cannot be combined.

    They can be where every parent has tables of the stage, of one version, with equal parameters and columns.
    """
    carried: dict[str, StageRows] = {}
    reasons: dict[str, str] = {}
    tables = [read_scores(parent.folder.path, parent.manifest) for parent in parents]
    for stage in dict.fromkeys(name for table in tables for name in table):
        entries = [entry for parent in parents for entry in parent.manifest.scores if entry.name == stage]
        lacking = next((p for p, table in zip(parents, tables, strict=True) if stage not in table), None)
        if lacking is not None:
            reasons[stage] = f"{lacking.folder.path} has none"
        elif any((e.stage_version, e.parameters) != (entries[0].stage_version, entries[0].parameters) for e in entries):
            reasons[stage] = "they are of different versions of it, or made with different parameters"
        elif any(not table[stage].schema.equals(tables[0][stage].schema) for table in tables):
            reasons[stage] = "their columns differ"
        else:
            carried[stage] = StageRows(entries[0], pa.concat_tables([table[stage] for table in tables]))
    return carried, reasons


def _carried(
    parents: Sequence[ClipReader], root: Path, manifest: DatasetManifest, not_carried: Sequence[str]
) -> Iterator[ScoreTable]:
    """Write each stage's rows, one table per new shard, under the names that the stage itself would give them."""
    for stage, known in stage_rows(parents)[0].items():
        for shard in clips_shards(manifest) if stage not in not_carried else ():
            ids = open_parquet(root / shard.path).read(columns=["clip_id"]).column("clip_id").combine_chunks()
            found = pc.index_in(ids, known.rows.column("clip_id").combine_chunks())
            if found.null_count:
                continue  # the stage has not seen every clip of the shard, so it makes its table anew
            name = table_name(stage, known.entry.stage_version, known.entry.parameters, shard)
            write_table(root / name, known.rows.take(found))
            yield known.entry.model_copy(update={"shard": shard_at(root, name, shard.rows)})


def _left_out(parents: Sequence[ClipReader], meant: set[str], broken: Mapping[str, str]) -> Iterator[LeftOutItem]:
    """What the parents left out, then what is left out now (no clip that another parent has); without the parents'
    folders in the reasons."""
    places = [parent.folder.path for parent in parents]
    before = [left for parent in parents for left in parent.manifest.left_out]
    invalid = [item for parent in parents for item in parent.left_out.items() if item[0] not in meant]
    for name, why in [*((left.name, left.reason) for left in before), *invalid, *broken.items()]:
        yield LeftOutItem(name=name, reason=without_machine_names(why, *places))


D = TypeVar("D", bound=BaseModel)


def _once(documents: Iterable[D]) -> list[D]:
    """Each document once, in order."""
    return list({document.model_dump_json(): document for document in documents}.values())
