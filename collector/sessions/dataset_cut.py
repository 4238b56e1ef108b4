"""Cuts the clips of a consent out of one data set.

New shards get new names beside the old ones; then dataset.json is replaced, in one step; then the old shards go.
Whenever this is stopped, dataset.json describes the data set as it was or as it will be, and names only files that
are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from collector.sessions.derived import consent_hash
from collector.sessions.shard_cut import ConsentScope, read_keys, write_without
from manifests.clip_io import open_parquet
from manifests.dataset import (
    MADE_BY,
    ClipCounter,
    Counts,
    DatasetFolder,
    DatasetManifest,
    Input,
    LeftOutItem,
    LineageStep,
    Shard,
)
from manifests.errors import GoaltraceError
from manifests.files import is_plain, raise_if_full, read_bytes, sha256_of
from manifests.permissions import as_private_as

FORGOTTEN = "forgotten"
_COUNTED = ["session_id", "outcome", "arm", "kind", "duration_ns", "t0_ns", "actions"]


@dataclass
class DatasetCut:
    """What is to be taken out of a data set."""

    path: Path
    clips: int = 0
    of_clips: int = 0
    sessions: int = 0
    shards: dict[str, int] = field(default_factory=dict)
    """Files that dataset.json names -> rows to take out."""
    strays: list[Path] = field(default_factory=list)
    """Parquet files that dataset.json does not name (something was stopped half-way) and that hold such rows."""
    pages: list[Path] = field(default_factory=list)
    """Its card and its report, which were made of all of it: whoever wants them makes them anew."""
    repository: str = ""
    """Where it was published, as its card has it."""
    own_card: bool = False
    """A person wrote the card."""
    names: set[str] = field(default_factory=set)
    """What the sessions are called in the lineage."""
    lineage: bool = False
    """dataset.json names the sessions."""

    def __bool__(self) -> bool:
        return bool(self.shards or self.strays or self.lineage)


def parquet_files(dataset: Path) -> list[Path]:
    return [path for path in sorted(dataset.rglob("*.parquet")) if path.is_file() and not path.is_symlink()]


def plan_cut(dataset: Path, scope: ConsentScope, hashes: set[str]) -> DatasetCut:
    """What a data set holds of the consent."""
    manifest = DatasetFolder(dataset).read_manifest()
    cut = DatasetCut(dataset, of_clips=manifest.counts.clips)
    named = {dataset / shard.path for shard in _files(manifest)}
    for path in named:
        if path.is_symlink() or not path.is_file():
            raise GoaltraceError(f"{path}: missing or a link, but dataset.json names it; restore it")
    for path in parquet_files(dataset):
        rows = scope.count(path)
        if not rows:
            continue
        name = path.relative_to(dataset).as_posix()
        if path not in named:
            cut.strays.append(path)
            continue
        cut.shards[name] = rows
        if name.startswith("clips/"):
            keys = read_keys(path)
            mine = keys.filter(scope.mask(keys))
            cut.clips += rows
            cut.names |= set(mine.column("episode_id").to_pylist())
            cut.sessions += len(set(mine.column("session_id").to_pylist()))
    cleaned = _cleaned(manifest, scope, cut.names, hashes)
    _see_pages(cut)
    cut.lineage = cleaned.lineage != manifest.lineage or cleaned.left_out != manifest.left_out
    return cut


def _see_pages(cut: DatasetCut) -> None:
    card = cut.path / "README.md"
    if is_plain(card):
        text = read_bytes(card).decode("utf-8", "replace")
        cut.own_card = MADE_BY not in text
        published = re.search(r'load_dataset\("([\w.-]+/[\w.-]+)"', text)
        cut.repository = published[1] if published else ""
    cut.pages = [card] if is_plain(card) and not cut.own_card else []
    cut.pages += [cut.path / name for name in ("report.html", "preview.png") if is_plain(cut.path / name)]


def apply_cut(cut: DatasetCut, scope: ConsentScope, hashes: set[str]) -> None:
    """Take it out. Raises `GoaltraceError` for a damaged shard or a full disk; the data set is then as it was."""
    with as_private_as(cut.path):
        _apply(cut, scope, hashes)


def _apply(cut: DatasetCut, scope: ConsentScope, hashes: set[str]) -> None:
    folder = DatasetFolder(cut.path)
    manifest = folder.read_manifest()
    before = sha256_of(folder.manifest_path)
    made: list[Path] = []
    try:
        new = _cleaned(manifest, scope, cut.names, hashes)
        new.shards = [s for shard in manifest.shards if (s := _rewritten(cut, shard, scope, made))]
        new.scores = [
            table.model_copy(update={"shard": s})
            for table in manifest.scores
            if (s := _rewritten(cut, table.shard, scope, made))
        ]
        new.counts = _counts(cut.path, new)
        new.lineage.append(
            LineageStep(
                command="goaltrace sessions forget",
                parameters={"consent_sha256": consent_hash(scope), "clips_removed": cut.clips},
                inputs=[Input(name=manifest.name, sha256=before)],
            )
        )
        for page in cut.pages:
            page.unlink(missing_ok=True)
        folder.write_manifest(new)
    except BaseException as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise_if_full(error, cut.path)
        raise
    # scores, events, clips: what names most of the sessions goes last, so that a stopped run is found again
    for name in sorted(cut.shards, reverse=True):
        (cut.path / name).unlink(missing_ok=True)
    for stray in sorted(cut.strays, reverse=True):
        stray.unlink(missing_ok=True)


def _files(manifest: DatasetManifest) -> list[Shard]:
    return [*manifest.shards, *(table.shard for table in manifest.scores)]


def _rewritten(cut: DatasetCut, shard: Shard, scope: ConsentScope, made: list[Path]) -> Shard | None:
    """The shard without the consent's rows; None when no row is left."""
    if shard.path not in cut.shards:
        return shard
    source = cut.path / shard.path
    temporary = source.with_name(f".{source.name}.tmp")
    made.append(temporary)
    rows = write_without(source, temporary, scope)
    if not rows:
        return None
    digest = sha256_of(temporary)
    stem = re.sub(r"-f[0-9a-f]{8}$", "", PurePosixPath(shard.path).stem)
    target = source.with_name(f"{stem}-f{digest[:8]}.parquet")
    made.append(target)
    temporary.replace(target)
    path = target.relative_to(cut.path).as_posix()
    return Shard(path=path, rows=rows, bytes=target.stat().st_size, sha256=digest)


def _counts(root: Path, manifest: DatasetManifest) -> Counts:
    counter = ClipCounter()
    configs = [DatasetFolder.shard_names(manifest, config) for config in ("events", "clips")]
    for name in configs[0] or configs[1]:
        file = open_parquet(root / name)
        try:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group, columns=_COUNTED).to_pylist():
                    counter.add(row)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise GoaltraceError(f"{root / name}: damaged ({error}); copy it again") from None
    return counter.result()


def _cleaned(manifest: DatasetManifest, scope: ConsentScope, names: set[str], hashes: set[str]) -> DatasetManifest:
    """The manifest with nothing in its history that names the consent, its sessions or their files."""
    new = manifest.model_copy(deep=True)
    ids = [scope.actor.removeprefix("human:"), *scope.session_ids]
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, ids))})(?![\w])")
    for step in new.lineage:
        step.inputs = [
            Input(name=FORGOTTEN, sha256="") if i.sha256 in hashes or i.name in names or pattern.search(i.name) else i
            for i in step.inputs
        ]
        step.parameters = _without(step.parameters, pattern)
    new.left_out = [
        LeftOutItem(name=FORGOTTEN, reason="removed on request")
        if left.name in names or pattern.search(left.name) or pattern.search(left.reason)
        else left
        for left in new.left_out
    ]
    return new


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(FORGOTTEN, value)
    if isinstance(value, dict):
        return {_without(key, pattern): _without(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, pattern) for item in value]
    return value
