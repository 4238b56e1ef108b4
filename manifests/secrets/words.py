"""Distinguishing random values from words, identifiers, code and placeholders."""

from __future__ import annotations

import math
import re
from collections import Counter

_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_HARD = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{6}")
_VERSION = re.compile(r"v?\d{1,8}(?:\.\d{1,8}){1,4}(?:[-+._]?[A-Za-z]{0,12}[.-]?\d{0,8}){0,3}")
_PATH = re.compile(r"(?:[A-Za-z]:)?[~.]{0,2}[\\/][\w.@ +~-]*(?:[\\/][\w.@+~-]*)*|[\w.-]+(?:/[\w.-]+)+/?|\w+://.*")
_STANDS_FOR = re.compile(
    r"\$\{?[A-Za-z_][\w.:-]*\}?|\$[A-Za-z_]\w*(?:->|::|\[|\{).*|\$\{\{.*|\$\(.*|%[\w.]*[%sd]?|[<{\[(]{1,2}[^>}\])]*[>}\])]{0,2}|[A-Z]+(?:_[A-Z]+)+|[A-Z]{4,12}"
    r"|[*x.•#_?-]+"
    r"|(?i:none|null|nil|true|false|undefined|str(?:ing)?|bytes|bool(?:ean)?|int(?:eger)?|text|yes|no|on|off|n/?a"
    r"|authorization|options?|flags?|arguments?|parameters?|required|optional|changed|unchanged|empty|missing|invalid|incorrect|expired|wrong|updated|set|unset|stdin|prompt"
    r"|redacted|hidden|masked|disabled|enabled|default|placeholder|process\.env.*|os\.(?:environ|getenv).*|env\..*"
    r"|secrets?[./].*|vars?\..*|your[\w-]*|my[_-]?[\w-]{0,12}(?:token|key|secret)|example[\w-]*|dummy[\w-]*|fake[\w-]*"
    r"|[\w.-]{0,40}?(?<![a-z])(?:passw(?:or)?d|passphrase)s?[\w-]{0,8})"
)
"""Placeholders in code, templates and help texts: a variable, a call, a word in capitals, a type."""
_CODE = re.compile(
    r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|::\w+|->\w+)*[(\[{].*|lambda\b.*|r?[\"'].*|[&*]?[a-z_]+(?:\.[a-z_]+)+[,)\]};]*"
)


def parts(value: str) -> list[str]:
    """The words of an identifier, split at capitals, digits and other characters."""
    return _PARTS.findall(value)


def wordlike(value: str) -> bool:
    """True for what is made of pronounceable words and short numbers: `BertTokenizerFast`, `my-secret-1`, `v2_beta`."""
    pieces = parts(value)
    if not pieces or re.search(r"[^\w\s./:-]", value):
        return False
    digits = [piece for piece in pieces if piece.isdigit()]
    letters = [piece for piece in pieces if not piece.isdigit()]
    if not letters or len(digits) > len(letters) or any(len(piece) > 4 for piece in digits):
        return False
    if len(pieces) > 5 and len("".join(pieces)) < 4 * len(pieces):  # random letters also split into short words
        return False
    short = sum(len(piece) < 3 for piece in letters)
    return short * 2 <= len(letters) and not any(
        (len(piece) > 4 and not _VOWEL.search(piece)) or _HARD.search(piece) or len(piece) > 20 for piece in letters
    )


def stands_for(value: str) -> bool:
    """True for a placeholder: a variable, a type, a template, the word itself."""
    return _STANDS_FOR.fullmatch(value) is not None


def is_code(value: str) -> bool:
    """True for a call, an index, an attribute: what is computed and not written out."""
    match = _CODE.match(value)
    return match is not None and (match.end() == len(value)) and (not match[0][0].isalpha() or not _odd(match[0]))


def _odd(code: str) -> bool:
    """Whether a text like `x9.Q(k2` is not code after all, because the part before its bracket looks random."""
    head = re.split(r"[(\[{]", code, maxsplit=1)[0]
    return len(head) > 5 and looks_random(head)


def looks_random(value: str) -> bool:
    """True for a value that is long enough, of several kinds of character, and high in entropy."""
    if len(value) < 8 or wordlike(value) or _VERSION.fullmatch(value):
        return False
    if _PATH.fullmatch(value) and all(wordlike(p) or len(p) < 8 for p in re.split(r"[\\/]", value) if p):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return kinds >= 2 and entropy(value) >= 2.5 and bool(re.search("[0-9]|[a-z][A-Z]", value))


def surely_random(value: str) -> bool:
    """True for a value so long and mixed that only a machine can have generated it."""
    if len(value) < 20 or not looks_random(value) or re.fullmatch(r"[0-9a-fA-F-]+|[\d.,:;-]+", value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    words = sum(len(piece) for piece in parts(value) if len(piece) > 3 and not piece.isdigit())
    return kinds == 3 and entropy(value) >= 3.5 and words * 2 < len(value)


def entropy(value: str) -> float:
    """Shannon entropy in bits per character, from the frequencies of its own characters."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
