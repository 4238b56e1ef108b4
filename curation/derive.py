"""Making a data set from some clips of another: whole or not at all, with all that led to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from curation.stage import clips_shards, shard_at, table_name, write_table
from curation.tables import read_scores
from manifests.clip import ClipRow
from manifests.clip_io import BadClip, ClipReader, ClipWriter, clip_table, open_parquet
from manifests.dataset import Counter, DatasetFolder, DatasetManifest, Input, LeftOut, LineageStep, ScoreTable
from manifests.errors import GoaltraceError
from manifests.files import new_folder, sha256_of
from manifests.here import without_places
from manifests.items import Fault, one_item


@dataclass(frozen=True)
class Progress:
    """Who hears how it goes: of each clip that is written, and of each that is left out, and why."""

    done: Callable[[int], object] = lambda clips: None
    left_out: Callable[[str, str], object] = lambda clip, reason: None


QUIET = Progress()


def derive(
    reader: ClipReader,
    out: Path,
    clip_ids: Sequence[str],
    take: Callable[[str], ClipRow],
    step: LineageStep,
    progress: Progress,
    not_carried: Sequence[str] = (),
    finish: Callable[[Path], object] = lambda root: None,
) -> DatasetManifest:
    """Write the clips as a data set at `out`, with what the stages of curation said of them.

    Args:
        reader: of the data set that they come from.
        take: a clip's row, with video; `BadClip` for one that is to be left out.
        step: what is done, for the lineage; its inputs are filled in.
        not_carried: stages whose tables are not taken along.
        finish: called with the folder before it gets its name.

    Raises `GoaltraceError` where no clip is left; nothing is left half-written.
    """
    parent, counter, broken = reader.folder, Counter(), dict(reader.left_out)
    with new_folder(out) as root:
        with ClipWriter(root) as writer:
            for clip_id in clip_ids:
                try:
                    with one_item(f"clip {clip_id}"):
                        row = take(clip_id)
                        clip = clip_table(row)
                except (BadClip, Fault) as error:
                    broken[clip_id] = str(error)
                    progress.left_out(clip_id, str(error))
                    continue
                writer.write_table(clip)
                counter.add(row)
                progress.done(1)
        if all(clip_id in broken for clip_id in clip_ids):
            raise GoaltraceError(f"none of the {len(clip_ids)} clips can be kept; the first: {broken[clip_ids[0]]}")
        step.inputs = [Input(name=reader.manifest.name, sha256=sha256_of(parent.manifest_path))]
        manifest = DatasetManifest(
            name=out.name,
            counts=counter.result(),
            shards=writer.shards,
            lineage=[*reader.manifest.lineage, step],
            left_out=[
                LeftOut(name=name, reason=without_places(why, parent.path))
                for name, why in [*((left.name, left.reason) for left in reader.manifest.left_out), *broken.items()]
            ],
        )
        manifest.scores = list(_carried(reader, root, manifest, not_carried))
        DatasetFolder(root).write_manifest(manifest)
        finish(root)
    return DatasetFolder(out).read_manifest()


def _carried(
    reader: ClipReader, root: Path, manifest: DatasetManifest, not_carried: Sequence[str]
) -> Iterator[ScoreTable]:
    """What every stage said of the clips, one table per new shard, under the names that the stage gives them."""
    said = {table.name: table for table in reader.manifest.scores}
    for stage, rows in read_scores(reader.folder.path, reader.manifest).items():
        table = said[stage]
        for shard in clips_shards(manifest) if stage not in not_carried else ():
            ids = open_parquet(root / shard.path).read(columns=["clip_id"]).column("clip_id").combine_chunks()
            found = pc.index_in(ids, rows.column("clip_id").combine_chunks())
            if found.null_count:
                continue  # the stage has not seen every clip of the shard, so it makes its table anew
            name = table_name(stage, table.stage_version, table.parameters, shard)
            write_table(root / name, rows.take(found))
            yield table.model_copy(update={"shard": shard_at(root, name, shard.rows)})
