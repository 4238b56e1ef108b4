"""Finding what was recorded under a consent: session folders, rows of data sets, and pages that show them."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.sessions.check import check_session, is_being_recorded
from collector.sessions.derived import Candidates
from collector.sessions.set_aside import FOLDER as DAMAGED
from manifests.errors import GoaltraceError
from manifests.files import read_bytes, read_json, sha256_of
from manifests.session import SessionFolder

_PAGES = (".html", ".htm")
_PAGE_LIMIT = 512 * 2**20


@dataclass
class FoundSessions:
    """What lies below the paths."""

    sessions: list[Path] = field(default_factory=list)
    """Session folders of the consent."""
    session_ids: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)
    """SHA-256 of their session.json: how a data set's lineage names them."""
    datasets: list[Path] = field(default_factory=list)
    """Every data set, whether it holds something of the consent or not."""
    tables: list[Path] = field(default_factory=list)
    """Parquet files that are in no data set, as an interrupted pack leaves them."""
    pages: list[Path] = field(default_factory=list)
    """Every HTML page."""
    links: list[Path] = field(default_factory=list)
    """Links to folders, which are not followed."""
    derived: Candidates = field(default_factory=Candidates)
    """What may have been made of the sessions elsewhere."""
    closed: list[str] = field(default_factory=list)
    """Folders that cannot be looked into, and why."""

    def cannot(self, error: OSError) -> None:
        """Take in a folder that is closed to this user."""
        self.closed.append(f"{error.filename}: cannot be looked into ({error.strerror}); run this as its owner")


def search(consent_id: str, paths: list[Path]) -> FoundSessions:
    """Look through `paths`, at any depth. Raises `GoaltraceError` for a path that is no folder."""
    found = FoundSessions()
    seen: set[Path] = set()
    for path in paths:
        if not path.is_dir():
            raise GoaltraceError(f"{path}: no such folder; give folders of sessions and data sets")
        for root, folders, files in os.walk(path.resolve(), onerror=found.cannot):
            folder = Path(root)
            if folder in seen:
                folders.clear()
                continue
            seen.add(folder)
            found.links += [folder / name for name in folders if (folder / name).is_symlink()]
            _look(folder, folders, files, consent_id, found)
    return found


def _look(folder: Path, folders: list[str], files: list[str], consent_id: str, found: FoundSessions) -> None:
    if {"session.json", "consent.json"} & set(files) and consent_id in _consents(folder):
        _require_nothing_else(folder)
        if is_being_recorded(check_session(SessionFolder(folder))):
            raise GoaltraceError(f"{folder}: is being recorded now; discard it, or wait until it has ended")
        found.sessions.append(folder)
        found.session_ids |= _session_ids(folder)
        if (folder / "session.json").is_file():
            found.hashes.add(sha256_of(folder / "session.json"))
        folders.clear()
        return
    found.pages += [folder / name for name in files if name.endswith(_PAGES)]
    found.derived.look(folder, files)
    if "dataset.json" in files:
        found.datasets.append(folder)
        for root, _, below in os.walk(folder, onerror=found.cannot):
            if Path(root) != folder:
                found.pages += [Path(root) / name for name in below if name.endswith(_PAGES)]
                found.derived.look(Path(root), below)
        folders.clear()
        return
    if "latents.json" in files and "latents" in folders:
        folders.remove("latents")  # its tables are cut, not removed
    found.tables += [folder / name for name in files if name.endswith(".parquet")]
    if "session.json" in files and DAMAGED in folders:
        folders.remove(DAMAGED)


def _consents(folder: Path) -> set[str]:
    """The consents that a session folder names, in any of its documents; one that is no JSON is searched as text."""
    named: set[str] = set()
    for name in ("consent.json", "session.json"):
        path = folder / name
        if not path.is_file():
            continue
        try:
            document: Any = read_json(path)
        except GoaltraceError:
            try:
                text = read_bytes(path).decode("utf-8", "replace")
            except GoaltraceError:
                continue
            named |= set(re.findall(r'(?:"consent_id"\s*:\s*"|"human:)([a-z0-9-]+)"', text))
            continue
        if isinstance(document, dict):
            consent, actor = document.get("consent_id"), document.get("actor")
            if isinstance(consent, str):
                named.add(consent)
            if isinstance(actor, str) and actor.startswith("human:"):
                named.add(actor.removeprefix("human:"))
    return named


def _session_ids(folder: Path) -> set[str]:
    try:
        document = read_json(folder / "session.json")
    except GoaltraceError:
        return set()
    value = document.get("session_id") if isinstance(document, dict) else None
    return {value} if isinstance(value, str) and value else set()


def _require_nothing_else(folder: Path) -> None:
    """A folder is removed whole: refuse one that holds other sessions or data sets too."""
    for root, folders, files in os.walk(folder):
        if Path(root) == folder:
            folders[:] = [name for name in folders if name != DAMAGED]
        elif {"session.json", "consent.json", "dataset.json"} & set(files):
            raise GoaltraceError(f"{folder}: is under this consent and holds {root}, which is not; move that out first")


def names_of(consent_id: str, session_ids: set[str]) -> re.Pattern[bytes]:
    """By what a page of `report` or `view` names the consent, its sessions or their clips."""
    names = [re.escape(f"human:{consent_id}"), f'"{re.escape(consent_id)}"']
    for session_id in sorted(session_ids):
        names.append(re.escape(session_id) + ("" if len(session_id) >= 16 else r"-\d{4}"))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?!\w)".encode())


def shows(page: Path, names: re.Pattern[bytes]) -> bool:
    """True for a page that names one of them."""
    return not page.is_symlink() and names.search(read_bytes(page, _PAGE_LIMIT)) is not None


def delete_session(folder: Path) -> None:
    """Remove a session folder; what names its consent goes last, so that a stopped removal is found again."""
    last = [folder / "session.json", folder / "consent.json"]
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
