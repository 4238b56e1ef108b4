"""consent.json: the text that a person agreed to before being recorded, and the pseudonym for deletion requests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from manifests.files import parse_model, read_json
from manifests.versions import SCHEMA_VERSION

ConsentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{2,40}$")]


class Consent(BaseModel):
    """One person's consent to one session; many sessions may share its id."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: str = SCHEMA_VERSION
    consent_id: ConsentId
    """The person's pseudonym: drawn at random, or chosen; never a name, nor an address."""
    text_version: str
    text_sha256: str
    """Hash of the exact words that were shown."""
    given_at: datetime
    """UTC."""
    given_in: str
    """Where the person agreed: "page" or "terminal"."""


def read_consent(path: Path) -> Consent:
    """A consent.json; `GoaltraceError` when it is missing or broken."""
    return parse_model(Consent, read_json(path), path)
