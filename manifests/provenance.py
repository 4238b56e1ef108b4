"""made_from.json: the provenance of films, pages and models, that is, the sessions that they were made from.

It lies in the folder that was made, or beside a file as NAME.made_from.json. `goaltrace sessions forget` finds with it
what has to be removed when a person withdraws consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from manifests.files import parse_model, read_json, write_json
from manifests.versions import SCHEMA_VERSION

NAME = "made_from.json"


class Provenance(BaseModel):
    """The document made_from.json."""

    model_config = ConfigDict(extra="ignore")

    schema_version: str = SCHEMA_VERSION
    command: str
    """The command that made it: "train", "rollout", ..."""
    sessions: list[str]
    files: list[str] = []
    """The files that were made, beside this document; empty: the folder that this document lies in."""
    forgotten: list[str] = []
    """SHA-256 of the consents withdrawn after this was made; a model, for example, cannot unlearn their sessions."""


def beside(path: Path) -> Path:
    """Where the provenance of a file is written."""
    return path.with_name(f"{path.name}.{NAME}")


def write_provenance(document: Path, command: str, sessions: Iterable[str], files: Iterable[Path] = ()) -> None:
    """Write the document; sessions that an existing one names are kept."""
    before = read_provenance(document) if document.is_file() else None
    known = {*sessions, *(before.sessions if before else ())}
    made = Provenance(
        command=command,
        sessions=sorted(known),
        files=sorted(path.name for path in files),
        forgotten=before.forgotten if before else [],
    )
    write_json(document, made)


def read_provenance(document: Path) -> Provenance:
    """A made_from.json; `GoaltraceError` when it is missing or broken."""
    return parse_model(Provenance, read_json(document), document)
