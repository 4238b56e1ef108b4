"""The text that a person agrees to before anything is recorded, and the record of their consent."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from manifests.consent import Consent, ConsentId
from manifests.errors import GoaltraceError

TEXT_VERSION = "1"
TEXT = """\
What is recorded: the pictures of this screen, every movement and click of the mouse, every key you press, and their \
times. Sound, camera and files are not recorded.

What it is for: the recording may be put into a data set from which computer models are trained, and that data set may \
be shared with others or published.

You decide: you can pause at any moment, and then neither pictures nor keys are kept. While you hold "hide this", or \
type into a field that the desktop knows as a password field, pictures are blank and keys have no names. That \
protection cannot know every secret: do not open or type what must stay private. You can stop or throw the recording \
away at any moment, and look at it before it is used.

Later: the recording is kept under a pseudonym, not under your name. Whoever recorded it can remove everything that \
was recorded under that pseudonym, also from data sets on their machines. Copies that others have downloaded from a \
published data set cannot be called back."""


def new_consent_id() -> str:
    """A pseudonym that says nothing about the person."""
    return f"p-{secrets.token_hex(4)}"


def require_consent_id(text: str) -> None:
    """Raise `GoaltraceError` unless `text` can be a person's pseudonym."""
    try:
        TypeAdapter(ConsentId).validate_python(text)
    except ValidationError:
        raise GoaltraceError(
            f"--consent-id {text}: want 3 to 41 lower-case letters, digits and hyphens, e.g. p-1a2b3c4d"
        ) from None


def give_consent(consent_id: str, given_in: Literal["page", "terminal"]) -> Consent:
    """The record of a person's agreement to `TEXT`, now."""
    return Consent(
        consent_id=consent_id,
        text_version=TEXT_VERSION,
        text_sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
        given_at=datetime.now(UTC),
        given_in=given_in,
    )
