"""Forgetting a person: everything recorded under one consent, in sessions and in data sets.

Data sets come first and session folders last: a run that is stopped half-way still finds the rest by them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from collector.sessions.dataset_cut import DatasetCut, apply_cut, parquet_files, plan_cut
from collector.sessions.search import Found, delete_session, names_of, search, shows
from collector.sessions.shard_cut import Whose
from manifests.errors import GoaltraceError
from manifests.items import one_item

T = TypeVar("T")
BEYOND = (
    "copies of these sessions and data sets elsewhere, also those made by select: run this there too",
    "what was published: publish again and delete the older revisions there; what others downloaded stays with them",
    "models trained on them: train again without them",
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
    unread: list[str] = field(default_factory=list)
    """What could not be looked into, and so may hold more."""
    found: Found = field(default_factory=Found)
    whose: Whose = field(default_factory=lambda: Whose(""))

    def __bool__(self) -> bool:
        return bool(self.sessions or self.datasets or self.pages or self.tables)

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
        lines = []
        for cut in self.datasets:
            what = f"{cut.clips} of {cut.of_clips} clips, of {cut.sessions} sessions" if cut.clips else "its traces"
            rewritten = f" ({len(cut.shards)} files written anew)" if cut.shards else ""
            lines.append(f"{verb}: {what}, from data set {cut.path}{rewritten}")
            lines += [f"{verb}: {stray}, which dataset.json does not name" for stray in cut.strays]
        lines += [f"{verb}: {table}, which is in no data set" for table in self.tables]
        lines += [f"{verb}: page {page}" for page in self.pages]
        lines += [f"{verb}: session {session}" for session in self.sessions]
        lines += [f"could not look into: {reason}" for reason in self.unread]
        lines += [f"not reached: {link} is a link; name the folder that it leads to" for link in self.found.links]
        return lines + [f"not reached: {beyond}" for beyond in BEYOND]

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
            "unread": self.unread,
            "not_reached": list(BEYOND),
        }


def forget(consent_id: str, paths: list[Path], *, dry_run: bool = False) -> Forgotten:
    """Remove everything recorded under a consent below `paths`; with `dry_run` only say what that would be.

    Raises `GoaltraceError` for an id that cannot be one, a path that is no folder, or a full disk.
    """
    plan = plan_forget(consent_id, paths)
    if not dry_run:
        remove(plan)
    return plan


def plan_forget(consent_id: str, paths: list[Path]) -> Forgotten:
    """What `remove` would remove."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{2,40}", consent_id):
        raise GoaltraceError(f"--consent: {consent_id!r} is no pseudonym; look for consent_id in a consent.json")
    found = search(consent_id, paths)
    plan = Forgotten(consent_id, sorted(found.sessions), found=found)
    plan.whose = whose = Whose(f"human:{consent_id}", set(found.session_ids))
    files = [*found.tables, *(path for dataset in found.datasets for path in parquet_files(dataset))]
    readable = [path for path in files if plan.attempt(whose.learn, path) is not None]
    while any(whose.learn(path) for path in readable):  # a session is known by one file, its clips are in another
        pass
    for dataset in found.datasets:
        cut = plan.attempt(lambda folder: plan_cut(folder, whose, found.hashes), dataset)
        if cut:
            plan.datasets.append(cut)
    plan.tables = [path for path in found.tables if path in readable and whose.count(path)]
    pattern = names_of(consent_id, whose.session_ids)
    plan.pages = [page for page in found.pages if plan.attempt(lambda path: shows(path, pattern), page)]
    return plan


def remove(plan: Forgotten, progress: Callable[[], object] = lambda: None) -> None:
    """Do it; `progress` hears of each data set and session.

    Stopped half-way, each data set is as it was or as it will be; run it again for the rest.
    """
    for cut in plan.datasets:
        apply_cut(cut, plan.whose, plan.found.hashes)
        progress()
    for path in [*plan.tables, *plan.pages]:
        path.unlink(missing_ok=True)
    for session in plan.sessions:
        delete_session(session)
        progress()
