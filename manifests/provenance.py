"""made_from.json: of which sessions something was made that does not say so itself, a film, a page, a model.

It lies in the folder that was made, or beside the files: NAME.made_from.json. Whoever takes sessions back goes by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from manifests.files import parse_model, read_json, write_json
from manifests.versions import SCHEMA_VERSION

NAME = "made_from.json"


class Provenance(BaseModel):
    """made_from.json."""

    model_config = ConfigDict(extra="ignore")

    schema_version: str = SCHEMA_VERSION
    command: str
    """What made it: "train", "rollout", ..."""
    sessions: list[str]
    files: list[str] = []
    """What was made, beside this document; empty: the folder that it lies in."""
    forgotten: list[str] = []
    """SHA-256 of the consents that were taken back after this was made: it cannot be made not to have seen them."""


def beside(path: Path) -> Path:
    """The document of a file."""
    return path.with_name(f"{path.name}.{NAME}")


def write_provenance(document: Path, command: str, sessions: Iterable[str], files: Iterable[Path] = ()) -> None:
    """Write the document at `document`; to one that is there already these sessions are added."""
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
