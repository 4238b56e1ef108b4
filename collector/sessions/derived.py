"""What was made of sessions beside data sets: how each kind is found, and what becomes of it when they are forgotten.

kind         found by                               what becomes of it
film, page   made_from.json in it or beside it      removed: rollout, play, report --out, compare
evaluation   RUN/evaluation.json names the session  removed, with its page
cast         the header names the session           removed: export cast
latents      latents.json                           the session's rows are cut out; a codec fitted to it is named
model        RUN/made_from.json                     named: it cannot unlearn; removed when that is asked for
named after  the file's name has a clip's id        removed: a rollout of an older release
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from collector.sessions.shard_cut import ConsentScope, write_without
from manifests.clip_io import open_parquet
from manifests.files import is_plain, read_bytes, read_json, write_json
from manifests.permissions import as_private_as
from manifests.provenance import NAME, Provenance, read_provenance

_CAST_HEAD = 2**16
_PICTURES = (".gif", ".mp4", ".png", ".cast", ".json", ".html")
_CAST_OF = re.compile(rb'"GOALTRACE_SESSION": ?"([^"\\]{1,200})"')


@dataclass
class Candidates:
    """What may have been made of sessions, going by names of files and folders alone."""

    documents: list[Path] = field(default_factory=list)
    """made_from.json and NAME.made_from.json."""
    evaluations: list[Path] = field(default_factory=list)
    casts: list[Path] = field(default_factory=list)
    pictures: list[Path] = field(default_factory=list)
    latents: list[Path] = field(default_factory=list)
    """Folders."""
    runs: list[Path] = field(default_factory=list)
    """Folders."""

    def look(self, folder: Path, files: list[str]) -> None:
        """Take in what a folder holds."""
        if "latents.json" in files:
            self.latents.append(folder)
        elif "config.json" in files and ("codec.pt" in files or (folder / "checkpoints").is_dir()):
            self.runs.append(folder)
        for name in sorted(files):
            if name == NAME or name.endswith(f".{NAME}"):
                self.documents.append(folder / name)
            elif name == "evaluation.json":
                self.evaluations.append(folder / name)
            elif name.endswith(".cast"):
                self.casts.append(folder / name)
            if name.endswith(_PICTURES):
                self.pictures.append(folder / name)

    def one_by_one(self) -> Iterator[tuple[Candidates, Path]]:
        """Each candidate alone, and its path: one that cannot be read hides no other. Runs and latents come last."""
        runs, latents = {run / NAME for run in self.runs}, {folder / NAME for folder in self.latents}
        for name, value in vars(self).items():
            for path in value:
                if path not in runs | latents:
                    yield Candidates(**{name: [path]}), path


@dataclass
class Derived:
    """One thing that was made of the sessions."""

    kind: str
    path: Path
    """What it is called: a file or a folder."""
    files: list[Path] = field(default_factory=list)
    """To remove, in this order; what it is found by comes last."""
    shards: list[Path] = field(default_factory=list)
    """Latents to write anew, without the sessions' rows."""
    marked: list[Path] = field(default_factory=list)
    """Documents out of which the sessions' names are taken."""
    kept: str = ""
    """What stays of it, and why it cannot be helped."""
    whole: bool = False
    """The folder goes with all that is in it."""

    @property
    def changes(self) -> bool:
        return bool(self.files or self.shards or self.marked or self.whole)

    @property
    def description(self) -> str:
        if self.whole:
            return f"{self.kind} {self.path}, the whole folder"
        if self.shards:
            return f"the sessions' latents, from {self.path} ({len(self.shards)} files written anew)"
        if self.files:
            return f"{self.kind} {self.path}"
        return f"the sessions' names, from the documents of {self.kind} {self.path}"


def consent_hash(scope: ConsentScope) -> str:
    """A hash of the consent's id: those who have the id can check it, and the id itself stands nowhere any more."""
    return hashlib.sha256(scope.actor.removeprefix("human:").encode()).hexdigest()


def plan_derived(found: Candidates, scope: ConsentScope, names: re.Pattern[bytes], models: bool) -> Iterator[Derived]:
    """What is to be done with what was made of the sessions; with `models`, models that saw them are removed.

    The documents are those of films and pages; runs and latents are looked at as folders.
    """
    for document in found.documents:
        if made := _of(document, scope):
            yield _made(document, made)
    for path in found.evaluations:
        if is_plain(path) and names.search(read_bytes(path)):
            yield Derived("evaluation", path, [path.with_suffix(".html"), path])
    for path in found.casts:
        if scope.session_ids and (source := _CAST_OF.search(_head(path))) and source[1].decode() in scope.session_ids:
            yield Derived("exported cast", path, [path])
    for path in found.pictures:
        if is_plain(path) and names.search(f'"{path.name}'.encode()):
            yield Derived("file named after a clip", path, [path])
    for folder in found.latents:
        yield from _latents(folder, scope, models)
    for run in found.runs:
        yield from _run(run, scope, models)


def remove_derived(item: Derived, scope: ConsentScope) -> None:
    """Do it; stopped half-way, it is found again."""
    if item.whole:
        _remove_folder(item.path)
        return
    with as_private_as(item.path if item.path.is_dir() else item.path.parent):
        for shard in item.shards:
            _cut(shard, scope)
        for document in item.marked:
            _mark(document, scope)
    for path in item.files:
        path.unlink(missing_ok=True)
    if item.kind == "play" and item.path.is_dir() and not any(item.path.iterdir()):
        item.path.rmdir()


def _of(document: Path, scope: ConsentScope) -> Provenance | None:
    if not is_plain(document):
        return None
    made = read_provenance(document)
    return made if scope.session_ids & set(made.sessions) else None


def _made(document: Path, made: Provenance) -> Derived:
    folder = document.parent
    if made.files:
        files = [folder / Path(name).name for name in made.files]
        return Derived(made.command, files[0], [*files, document])
    inside = [path for path in sorted(folder.iterdir()) if path != document and not path.is_dir()]
    return Derived(made.command, folder, [*inside, document])


def _head(path: Path) -> bytes:
    if not is_plain(path):
        return b""
    with path.open("rb") as source:
        return source.read(_CAST_HEAD).partition(b"\n")[0]


def _latents(folder: Path, scope: ConsentScope, models: bool) -> Iterator[Derived]:
    document = folder / NAME
    shards = [path for path in sorted((folder / "latents").glob("*.parquet")) if is_plain(path) and scope.count(path)]
    made = _of(document, scope)
    before = read_provenance(document).forgotten if document.is_file() else []
    if models and (made or consent_hash(scope) in before):
        yield Derived("latents", folder, whole=True)
    elif shards or made:
        kept = f"{folder / 'codec.pt'}: may be fitted to them; remove {folder} and encode again, or give --models"
        yield Derived("latents", folder, shards=shards, marked=[document] if made else [], kept=kept if made else "")
    elif consent_hash(scope) in before:
        yield Derived("latents", folder, kept=f"{folder / 'codec.pt'}: was made when they were not yet forgotten")


def _run(run: Path, scope: ConsentScope, models: bool) -> Iterator[Derived]:
    document, config = run / NAME, run / "config.json"
    made = _of(document, scope)
    before = read_provenance(document).forgotten if document.is_file() else []
    if models and (made or consent_hash(scope) in before):
        yield Derived("model", run, whole=True)
        return
    held_out = bool(scope.session_ids & set(_held_out(config)))
    marked = [*([document] if made else []), *([config] if held_out else [])]
    kept = ""
    if made or consent_hash(scope) in before:
        kept = f"{run}: was trained on them and cannot unlearn; train again without them and remove it (--models)"
    elif not document.is_file() and scope.session_ids:
        kept = f"{run}: does not say on which sessions it was trained (an older release); remove it if on these"
    if marked or kept:
        yield Derived("model", run, marked=marked, kept=kept)


def _held_out(config: Path) -> list[str]:
    document = read_json(config)
    found = document.get("held_out") if isinstance(document, dict) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _mark(document: Path, scope: ConsentScope) -> None:
    """Take the sessions' names out; a made_from.json then holds a hash that shows that somebody was forgotten."""
    data: Any = read_json(document)
    name = "sessions" if document.name == NAME else "held_out"
    data[name] = [session for session in data[name] if session not in scope.session_ids]
    if document.name == NAME:
        data["forgotten"] = sorted({*data.get("forgotten", []), consent_hash(scope)})
    write_json(document, data)


def _cut(shard: Path, scope: ConsentScope) -> None:
    temporary = shard.with_name(f".{shard.name}.tmp")
    try:
        if not write_without(shard, temporary, scope):
            schema = open_parquet(shard).schema_arrow
            pq.write_table(schema.empty_table(), temporary)  # latents without one of their shards are not whole
        temporary.replace(shard)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder; what it is found by goes last."""
    last = [folder / "latents.json", folder / "config.json", folder / NAME]
    for path in sorted(folder.iterdir()):
        if path in last:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in last:
        path.unlink(missing_ok=True)
    folder.rmdir()
