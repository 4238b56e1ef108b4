"""Detecting secrets and personal data in text; casts, scans and recordings of people all use this one detector.

`find` returns the spans of a text that are sensitive, each with a kind and a certainty. `SecretSearch` searches a whole
recording: it also looks for values that were found once (`KnownSecrets`) and for names of users and machines (`Names`).
`typed_secrets` finds what was typed with corrections and pastes. Nothing here needs more than the standard library, and
no text takes long: every repetition in the patterns is bounded.
"""

from manifests.secrets.detect import find, find_in_line, may_hold
from manifests.secrets.keystrokes import KeyedLine, KeyPress, LineEditor, is_held, named_with, typed_secrets
from manifests.secrets.known_secrets import KnownSecrets
from manifests.secrets.labelled import asks, asks_for_password
from manifests.secrets.names import NO_NAMES, Names, OwnNames, names_of_this_machine
from manifests.secrets.search import SecretSearch, TooMany
from manifests.secrets.spans import MASK, WIDE_MASK, Certainty, Span, covered
from manifests.secrets.user_list import read_list, require_listable

__all__ = [
    "MASK",
    "NO_NAMES",
    "WIDE_MASK",
    "Certainty",
    "KeyPress",
    "KeyedLine",
    "KnownSecrets",
    "LineEditor",
    "Names",
    "OwnNames",
    "SecretSearch",
    "Span",
    "TooMany",
    "asks",
    "asks_for_password",
    "covered",
    "find",
    "find_in_line",
    "is_held",
    "may_hold",
    "named_with",
    "names_of_this_machine",
    "read_list",
    "require_listable",
    "typed_secrets",
]  # fmt: skip
