"""Checks before publishing: the data set was scanned for secrets, and none is in it or in its documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curation.scan.stage import NAME, VERSION
from curation.scan_summary import summary
from curation.stage import clips_shards, table_name
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError
from manifests.secrets import find


def require_scanned(reader: ClipReader, found_is_meant: bool = False) -> None:
    """Raise `GoaltraceError` unless the data set was scanned since its shards changed, and nothing was found in it.

    With `found_is_meant` it may hold what the scan found (--with-findings).
    """
    dataset, manifest = reader.folder.path, reader.manifest
    shards = clips_shards(manifest)
    tables = [table for table in manifest.scores if table.name == NAME and table.stage_version == VERSION]
    known = {table.shard.path for table in tables}
    ways = {str(table.parameters): table.parameters for table in tables}.values()
    missing = [s for s in shards if not any(table_name(NAME, VERSION, way, s) in known for way in ways)]
    if missing:
        raise GoaltraceError(
            f"{dataset}: {len(missing)} of {len(shards)} shards were not scanned for secrets since they were written; "
            f"run: goaltrace scan {dataset} (or publish them all the same with --unscanned)"
        )
    found = summary(reader)
    if found.not_scanned:
        raise GoaltraceError(
            f"{dataset}: {found.not_scanned} clips could not be scanned; goaltrace scan {dataset} --force says why "
            "(or publish them all the same with --unscanned)"
        )
    if found.clips and not found_is_meant:
        kinds = ", ".join(f"{kind} in {count}" for kind, count in found.kinds.most_common(4))
        raise GoaltraceError(
            f"{dataset}: {len(found.clips)} clips hold something sensitive ({kinds}); mask it: goaltrace scan "
            f"{dataset} --mask --out DATASET2 (or publish it all the same with --with-findings)"
        )


def require_clean_words(dataset: Path, manifest: DatasetManifest, card: str) -> None:
    """Raise `GoaltraceError` where dataset.json or the card holds a secret."""
    for where, text in _words(manifest, card):
        spans = find(text)
        if spans:
            raise GoaltraceError(
                f"{dataset}: {where} holds something sensitive ({spans[0].kind}); correct it, or make it again "
                "without that (or publish it all the same with --with-findings)"
            )


def _words(manifest: DatasetManifest, card: str) -> Iterator[tuple[str, str]]:
    yield "dataset.json: name", manifest.name
    for entry in manifest.left_out:
        yield "dataset.json: left_out", f"{entry.name}\n{entry.reason}"
    for step in manifest.lineage:
        yield f"dataset.json: lineage of {step.command}", "\n".join(map(str, step.parameters.values()))
    yield "README.md", card
