# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting card and bank account numbers, by their issuers' prefixes and by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.secrets.checks import luhn, mod97
from manifests.secrets.spans import Certainty, Span

_CARD = re.compile(
    r"(?<![\w.+#/-])(?<![0-9A-Fa-f]{4} )(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{14,19})(?![\w/-]|\.\d| [0-9A-F]{4,5}\b)"
)
_ISSUERS = (
    (4, 4, (16,)), (51, 55, (16,)), (2221, 2720, (16,)), (34, 34, (15,)), (37, 37, (15,)), (6011, 6011, (16, 19)),
    (644, 659, (16, 19)), (300, 305, (14,)), (36, 36, (14,)), (38, 39, (14,)), (3528, 3589, (16,)), (62, 62, (16, 19)),
    (5018, 5018, (16,)), (5020, 5020, (16,)), (5038, 5038, (16,)), (6304, 6304, (16,)), (6759, 6763, (16,)),
    (2200, 2204, (16,)), (508, 508, (16,)), (6062, 6062, (16,)),
)  # fmt: skip
"""The first digits of each issuer, from and to, and how many digits its cards have."""
_IBAN = re.compile(r"(?<![\w/+-])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![\w/+])")
_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip


def cards(text: str) -> Iterator[Span]:
    """Cards whose issuer, length and check digit are all right."""
    for match in _CARD.finditer(text):
        digits = match[0].replace(" ", "").replace("-", "")
        if len(set(digits)) > 1 and luhn(digits) and _issued(digits):
            yield Span(*match.span(), "card number", Certainty.KNOWN)


def _issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and first <= int(digits[: len(str(first))]) <= last for first, last, lengths in _ISSUERS
    )


def accounts(text: str) -> Iterator[Span]:
    """Bank accounts (IBAN) of a country that has them, of its length, with the right check digits."""
    for match in _IBAN.finditer(text):
        length = _LENGTHS.get(match[0][:2].upper(), 0)
        end, seen = match.start(), 0
        while end < match.end() and seen < length:  # what follows after a blank may be the next word
            seen += text[end] != " "
            end += 1
        compact = text[match.start() : end].replace(" ", "")
        whole = end == len(text) or not text[end].isalnum()
        if seen == length > 0 and whole and (compact.isupper() or compact.islower()) and mod97(compact.upper()):
            yield Span(match.start(), end, "bank account", Certainty.KNOWN)
