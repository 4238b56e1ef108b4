"""What is secret in a text: one detector for import, scan and people.

`find` takes a text and gives spans, each with a kind and a certainty. `Known` finds certain values again in the rest
of a recording, `Names` the names of users and machines, `typed_secrets` what was typed with corrections and pastes.
Nothing here needs more than the standard library, and no text takes long: every repetition is bounded.
"""

from manifests.secrets.detect import find, find_in_line, may_hold
from manifests.secrets.known import Known
from manifests.secrets.listed import read_list, require_listable
from manifests.secrets.named import asks, asks_for_password
from manifests.secrets.names import NOBODY, Named, Names, of_this_machine
from manifests.secrets.spans import MASK, WIDE_MASK, Certainty, Span, covered
from manifests.secrets.typed import KeyedLine, KeyPress, Typing, is_held, named_with, typed_secrets
from manifests.secrets.wanted import TooMany, Wanted

__all__ = [
    "MASK", "NOBODY", "WIDE_MASK", "Certainty",
    "KeyPress", "KeyedLine", "Known", "Named", "Names", "Span", "TooMany", "Typing", "Wanted", "asks",
    "asks_for_password", "covered", "find", "find_in_line", "is_held", "may_hold", "named_with", "of_this_machine",
    "read_list", "require_listable", "typed_secrets",
]  # fmt: skip
