"""Forgetting a person: everything recorded under one consent, in sessions, in data sets and in what was made of them.

What was made of them comes first, then data sets, and session folders last: a run that is stopped half-way still finds
the rest by them. What cannot be reached is named.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from collector.sessions.dataset_cut import DatasetCut, apply_cut, parquet_files, plan_cut
from collector.sessions.derived import Candidates, Derived, plan_derived, remove_derived
from collector.sessions.search import FoundSessions, delete_session, names_of, search, shows
from collector.sessions.shard_cut import ConsentScope
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.shard_integrity import cache_folder

T = TypeVar("T")
BEYOND = (
    "copies elsewhere: run this there too, while the sessions or a data set of them are there",
    "what was published: publish again and delete the older revisions there; what others downloaded stays with them",
    "what the Hub's own cache on this machine holds: see hf cache",
    "films, pages and models of older releases, which do not say what they were made of",
)


@dataclass
class Forgotten:
    """What is, or was, removed."""

    consent_id: str
    sessions: list[Path] = field(default_factory=list)
    datasets: list[DatasetCut] = field(default_factory=list)
    pages: list[Path] = field(default_factory=list)
    """Pages of `report` and `view` that show the recordings."""
    tables: list[Path] = field(default_factory=list)
    """Parquet files of no data set: what an interrupted pack left behind."""
    derived: list[Derived] = field(default_factory=list)
    """What was made of the recordings, and models that saw them."""
    cached: list[Path] = field(default_factory=list)
    """Copies of data sets that training fetched from a store."""
    unread: list[str] = field(default_factory=list)
    """What could not be looked into, and so may hold more."""
    found: FoundSessions = field(default_factory=FoundSessions)
    scope: ConsentScope = field(default_factory=lambda: ConsentScope(""))

    def __bool__(self) -> bool:
        made = any(item.changes for item in self.derived)
        return bool(self.sessions or self.datasets or self.pages or self.tables or made or self.cached)

    def attempt(self, look: Callable[[Path], T], path: Path) -> T | None:
        """`look(path)`, or None and a line in `unread`."""
        try:
            with one_item(path):
                return look(path)
        except GoaltraceError as error:
            if str(error) not in self.unread:
                self.unread.append(str(error))
            return None

    def lines(self, verb: str) -> list[str]:
        """What is removed, a line each, and what is not reached."""
        lines = [f"{verb}: {item.description}" for item in self.derived if item.changes]
        for cut in self.datasets:
            what = f"{cut.clips} of {cut.of_clips} clips, of {cut.sessions} sessions" if cut.clips else "its traces"
            rewritten = f" ({len(cut.shards)} files written anew)" if cut.shards else ""
            lines.append(f"{verb}: {what}, from data set {cut.path}{rewritten}")
            lines += [f"{verb}: {stray}, which dataset.json does not name" for stray in cut.strays]
            lines += [f"{verb}: {page}, which was made of the whole data set" for page in cut.pages]
        lines += [f"{verb}: {folder}, a copy that was fetched from a store" for folder in self.cached]
        lines += [f"{verb}: {table}, which is in no data set" for table in self.tables]
        lines += [f"{verb}: page {page}" for page in self.pages]
        lines += [f"{verb}: session {session}" for session in self.sessions]
        return lines + self.remaining() + [f"not reached: {beyond}" for beyond in BEYOND]

    def remaining(self) -> list[str]:
        """What could not be looked into, and what stays by name, a line each."""
        lines = [f"could not look into: {reason}" for reason in [*self.unread, *self.found.closed]]
        return lines + [f"not reached: {named}" for named in self.named()]

    def named(self) -> list[str]:
        """What is known to stay."""
        named = [item.kept for item in self.derived if item.kept]
        for cut in self.datasets:
            if cut.repository:
                named.append(f"{cut.repository} on the Hub, where {cut.path} was published")
            if cut.own_card:
                named.append(f"{cut.path / 'README.md'}: is in your own words; see that it does not name them")
        named += [f"the store that {folder} was fetched from: cut the data set there" for folder in self.cached]
        named += [f"{link} is a link; name the folder that it leads to" for link in self.found.links]
        return named

    def as_json(self) -> dict[str, Any]:
        return {
            "consent_id": self.consent_id,
            "sessions": list(map(str, self.sessions)),
            "datasets": [
                {
                    "path": str(cut.path),
                    "clips": cut.clips,
                    "sessions": cut.sessions,
                    "files": sorted(cut.shards),
                    "strays": list(map(str, cut.strays)),
                }
                for cut in self.datasets
            ],
            "pages": list(map(str, self.pages)),
            "tables": list(map(str, self.tables)),
            "derived": [
                {
                    "kind": item.kind,
                    "path": str(item.path),
                    "files": list(map(str, [*item.files, *item.shards])),
                    "whole": item.whole,
                }
                for item in self.derived
                if item.changes
            ],
            "cached": list(map(str, self.cached)),
            "unread": [*self.unread, *self.found.closed],
            "not_reached": [*self.named(), *BEYOND],
        }


def forget(consent_id: str, paths: list[Path], *, dry_run: bool = False, models: bool = False) -> Forgotten:
    """Remove everything recorded under a consent below `paths`; with `dry_run` only report what that would be.

    `models`: remove models that were trained on it as well, with their run folders.

    Raises `GoaltraceError` for an id that cannot be one, a path that is no folder, or a full disk.
    """
    plan = plan_forget(consent_id, paths, models=models)
    if not dry_run:
        remove(plan)
    return plan


def plan_forget(consent_id: str, paths: list[Path], *, models: bool = False) -> Forgotten:
    """Find what `remove` would remove."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{2,40}", consent_id):
        raise GoaltraceError(f"--consent: {consent_id!r} is no pseudonym; look for consent_id in a consent.json")
    found = search(consent_id, paths)
    plan = Forgotten(consent_id, sorted(found.sessions), found=found)
    plan.scope = scope = ConsentScope(f"human:{consent_id}", set(found.session_ids))
    files = [*found.tables, *(path for dataset in found.datasets for path in parquet_files(dataset))]
    readable = [path for path in files if plan.attempt(scope.learn, path) is not None]
    while any(scope.learn(path) for path in readable):  # a session is known by one file, its clips are in another
        pass
    plan.cached = _cached(plan, scope)
    for dataset in found.datasets:
        cut = plan.attempt(lambda folder: plan_cut(folder, scope, found.hashes), dataset)
        if cut:
            plan.datasets.append(cut)
    plan.tables = [path for path in found.tables if path in readable and scope.count(path)]
    pattern = names_of(consent_id, scope.session_ids)
    shown = [page for page in found.pages if plan.attempt(lambda path: shows(path, pattern), page)]
    plan.derived = _derived(plan, pattern, models)
    taken = {path for item in plan.derived for path in item.files} | {
        page for cut in plan.datasets for page in cut.pages
    }
    folders = [item.path for item in plan.derived if item.whole]
    plan.pages = [page for page in shown if page not in taken and not any(page.is_relative_to(f) for f in folders)]
    return plan


def _derived(plan: Forgotten, names: re.Pattern[bytes], models: bool) -> list[Derived]:
    """What was made of the sessions, each once; what cannot be read of it is in `unread`."""
    made: dict[Path, Derived] = {}
    taken: set[Path] = set()
    for part, path in plan.found.derived.one_by_one():
        for item in plan.attempt(partial(_items, part, plan.scope, names, models), path) or []:
            item.files = [path for path in item.files if path not in taken]
            taken.update(item.files)
            if item.changes or item.kept:
                made.setdefault(item.path, item)
    whole = [item.path for item in made.values() if item.whole]
    return [i for i in made.values() if not any(i.path != w and i.path.is_relative_to(w) for w in whole)]


def _items(part: Candidates, scope: ConsentScope, names: re.Pattern[bytes], models: bool, path: Path) -> list[Derived]:
    return list(plan_derived(part, scope, names, models))


def _cached(plan: Forgotten, scope: ConsentScope) -> list[Path]:
    """Copies in this user's cache that hold something of the consent; they are there to be fetched again."""
    cache = cache_folder()
    if not cache.is_dir():
        return []
    copies = [path.parent for path in sorted(cache.glob("*/dataset.json"))]
    held = []
    for copy in copies:
        tables = [path for path in parquet_files(copy) if plan.attempt(scope.learn, path) is not None]
        if any(scope.count(path) for path in tables):
            held.append(copy)
    return held


def remove(plan: Forgotten, progress: Callable[[], object] = lambda: None) -> None:
    """Remove what was planned; `progress` is called once for each data set and session.

    Stopped half-way, each data set is as it was or as it will be; run it again for the rest.
    """
    for item in plan.derived:
        remove_derived(item, plan.scope)
        progress()
    for folder in plan.cached:
        shutil.rmtree(folder)
    for cut in plan.datasets:
        apply_cut(cut, plan.scope, plan.found.hashes)
        progress()
    for path in [*plan.tables, *plan.pages]:
        path.unlink(missing_ok=True)
    for session in plan.sessions:
        delete_session(session)
        progress()
