"""Check digits, which distinguish the numbers of cards, accounts and people from any other number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_VERHOEFF = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def luhn(digits: str) -> bool:
    """Luhn's sum, as cards have it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def verhoeff(digits: str) -> bool:
    """Verhoeff's sum, as India's Aadhaar has it."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def mod97(text: str) -> bool:
    """ISO 7064 as accounts (IBAN) have it: letters count from 10, the first four characters come last."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def mod11_10(digits: str) -> bool:
    """ISO 7064 MOD 11,10, as Germany's tax number has it."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def weighted(digits: Iterable[str], weights: Sequence[int]) -> int:
    """The sum of every digit times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def ean(digits: str) -> bool:
    """The sum of articles' bar codes, as Switzerland's insurance number has it."""
    return weighted(reversed(digits), [1, 3] * 10) % 10 == 0


def is_date(year: str, month: str, day: str) -> bool:
    """Whether month and day can be those of a date; the year is any."""
    return year.isdigit() and 1 <= int(month) <= 12 and 1 <= int(day) <= 31
