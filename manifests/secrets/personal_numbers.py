# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting national identification numbers and telephone numbers.

A number counts as a person's by its check digits and its format. Where a single check digit is all that distinguishes
it from any other number, the text must also name it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from manifests.secrets.checks import ean, is_date, luhn, mod11_10, verhoeff, weighted
from manifests.secrets.spans import Certainty, Span

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12,
                 14, 16, 10, 22, 25, 24, 23], strict=True))  # fmt: skip
_CHINA = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _spain(t: str) -> bool:
    number = t[:-1].translate({ord("X"): "0", ord("Y"): "1", ord("Z"): "2"})
    return t[-1] == _DNI[int(number) % 23]


def _italy(t: str) -> bool:
    def even(c: str) -> int:
        return int(c) if c.isdigit() else ord(c) - 65

    total = sum(even(c) if place % 2 else _ODD[c] for place, c in enumerate(t[:15]))
    return t[8] in "ABCDEHLMPRST" and chr(65 + total % 26) == t[15]


def _france(t: str) -> bool:
    number = t[:-2].replace("2A", "19", 1).replace("2B", "18", 1)
    return number.isdigit() and 97 - int(number) % 97 == int(t[-2:])


def _china(t: str) -> bool:
    return is_date(t[6:10], t[10:12], t[12:14]) and "10X98765432"[weighted(t, _CHINA) % 11] == t[17]


def _finland(t: str) -> bool:
    return is_date("0", t[2:4], t[:2]) and _HETU[int(t[:6] + t[7:10]) % 31] == t[10]


def _brazil(t: str) -> bool:
    first = weighted(t, range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(t, range(11, 1, -1)) * 10 % 11 % 10
    return len(set(t)) > 1 and t[9:] == f"{first}{second}"


def _sweden(t: str) -> bool:
    recent, clock = t[-10:-8] < "40" and t[-10:-8] > "14" and not t.startswith("19"), t[-4:-2] < "24" and t[-2:] < "60"
    if recent and clock:  # a date and a time, as in file names
        return False
    return is_date(t[-10:-8], t[-8:-6], str(int(t[-6:-4]) % 60)) and luhn(t[-10:])


def _belgium(t: str) -> bool:
    return any(97 - int(century + t[:9]) % 97 == int(t[9:]) for century in ("", "2"))


def _america(t: str) -> bool:
    return t[:3] not in ("000", "666") and t[0] != "9" and t[3:5] != "00" and t[5:] != "0000"


def _mexico(t: str) -> bool:
    letters = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(letters.index(c) * (18 - place) for place, c in enumerate(t[:17]))
    return is_date(t[4:6], t[6:8], t[8:10]) and str(-total % 10) == t[17]


def _poland(t: str) -> bool:
    return is_date(t[:2], str((int(t[2:4]) - 1) % 20 + 1), t[4:6]) and weighted(
        t, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    ) % 10 == 0  # fmt: skip


def _turkey(t: str) -> bool:
    d = [int(c) for c in t]
    return d[0] > 0 and (sum(d[0:9:2]) * 7 - sum(d[1:8:2])) % 10 == d[9] and sum(d[:10]) % 10 == d[10]


def _norway(t: str) -> bool:
    first = weighted(t, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return is_date(t[4:6], t[2:4], t[:2]) and first == 0 and weighted(t, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _korea(t: str) -> bool:
    return is_date(t[:2], t[2:4], t[4:6]) and (11 - weighted(t, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10 == int(
        t[12]
    )


def _britain(t: str) -> bool:
    return len(set(t[2:8])) > 1


def _any_of_eleven(t: str) -> bool:
    return mod11_10(t) or _poland(t) or _norway(t) or _turkey(t) or _brazil(t)


def _any_of_nine(t: str) -> bool:
    netherlands = weighted(t, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0
    australia = weighted(t, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0
    portugal = weighted(t, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 in (0, 1)
    return netherlands or australia or portugal or luhn(t) or _america(t)


_ALONE: list[tuple[str, Callable[[str], bool]]] = [
    (r"\d{8}-?[A-Z]|[XYZ]-?\d{7}-?[A-Z]", _spain),
    (r"[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]", _italy),
    (r"[12] ?\d\d ?(?:0\d|1[0-2]) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", _france),
    (r"[1-8]\d{5}(?:19|20)\d{9}[\dX]", _china),
    (r"\d{6}[-+ABCDEFYXWVU]\d{3}[0-9A-FHJ-NPR-Y]", _finland),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", _brazil),
    (r"(?:19|20)?\d{6}[-+]\d{4}", _sweden),
    (r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", _belgium),
    (r"756\.\d{4}\.\d{4}\.\d\d", ean),
    (r"\d{3}-\d\d-\d{4}", _america),
    (r"(?<![0-9A-F] )[2-9]\d{3} \d{4} \d{4}(?! [0-9A-F])", verhoeff),
    (r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", _mexico),
    (r"\d{6}-[1-8]\d{6}", _korea),
    (r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", _britain),
    (r"(?<!\d )[1-9]\d \d{3} \d{3} \d{3}(?! \d)", mod11_10),
]
_FORMS = [(re.compile(shape), right) for shape, right in _ALONE]
_CANDIDATE = re.compile(rf"(?<![\w.+/=-])(?:{'|'.join(shape for shape, _ in _ALONE)})(?![\w/]|[.-]\d)")
_NAMES = (
    "sin", "tin", "tfn", "nif", "dni", "cpf", "bsn", "cnp", "egn", "idnr", "ssn", "social", "pesel", "tax", "steuer", "burger",
    "codice", "national", "nino", "aadhaar", "personnummer", "dselsnummer", "personal", "identity", "card", "tckn",
    "passport", "number", "ausweis",
)  # fmt: skip
_CALLS = ("phone", "tel", "mobile", "cell", "handy", "fax", "whats", "sms", "téléphone")
_NAMED = re.compile(
    r"(?i)(?<![a-z])(?:(?-i:SIN|TIN|TFN|NIF|DNI|CPF|BSN|CNP|EGN|IdNr)|ssn|social (?:security|insurance)|pesel"
    r"|tax[ -]?id|steuer-?id\w*|burgerservice\w*"
    r"|codice fiscale|national (?:id\w*|insurance)|nino|aadhaar|personnummer|f[øo]dselsnummer|personal (?:id|number)"
    r"|identity (?:card|number)|id[ -]?card|tckn|passport|my ?number|ausweis\w*)"
    r"(?: ?(?:no|nr|number|nummer|id)\.?)?['\"]?\s{0,3}[:=#]?\s{0,3}['\"]?"
    r"(?P<id>[A-Z]{0,2}\d(?:[ /-]?\d){6,13}[A-Z]?)(?![\w])"
)

_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86"
    " 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237"
    " 238 239 240 241 242 243 244 245 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 267 268"
    " 269 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 381 382 383 385"
    " 386 387 389 420 421 423 500 501 502 503 504 505 506 507 509 590 591 592 593 594 595 596 597 598 599 670 672 673"
    " 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 855 856 880 886 960 961 962"
    " 963 964 965 966 967 968 970 971 972 973 974 975 976 977 992 993 994 995 996 998".split()
)
"""Countries' telephone codes."""
_ABROAD = re.compile(r"(?<![\w.+*/)\]-])(?:\+|00(?=[1-9]\d{0,2}[ -]))[1-9](?:[ .-]?\(?\d\)?){7,14}(?![\w%]|[.,]\d)")
_AT_HOME = re.compile(r"(?<![\w.+/=-])(?:\(\d{3}\) ?\d{3}[-. ]\d{4}|[2-9]\d{2}-[2-9]\d{2}-\d{4})(?![\w.-]\d|\w)")
_PHONE_NAMED = re.compile(
    r"(?i)(?<![a-z])(?:(?:tele)?phone|tel|mobile|cell|handy|fax|whats ?app|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|sms)"
    r"(?:[ _-]?(?:no|nr|number|nummer))?\.?['\"]?\s{0,3}[:=]?\s{0,3}['\"]?"
    r"(?P<phone>\+?\(?\d(?:[ ./()-]{0,2}\d){6,14})(?![\w])"
)


def national_ids(text: str, lower: str) -> Iterator[Span]:
    """National identification numbers; `lower` is the text in lower case."""
    for match in _CANDIDATE.finditer(text):
        value = match[0]
        bare = re.sub(r"[ .+-]", "", value)
        right = next(
            (fits for shape, fits in _FORMS if shape.fullmatch(value) and fits(value if fits is _finland else bare)),
            None,
        )
        if right is not None:
            sure = right is not _america and right is not _britain
            yield Span(*match.span(), "national id", Certainty.KNOWN if sure else Certainty.NAMED)
    if any(name in lower for name in _NAMES):
        for match in _NAMED.finditer(text):
            digits = re.sub(r"\D", "", match["id"])
            if len(digits) not in (9, 11) or (_any_of_nine if len(digits) == 9 else _any_of_eleven)(digits):
                yield Span(*match.span("id"), "national id", Certainty.NAMED)


def phones(text: str, lower: str) -> Iterator[Span]:
    """Telephone numbers: with a country's code, as North America writes them, or beside their name."""
    for match in _ABROAD.finditer(text) if "+" in text or "00" in text else ():
        digits = re.sub(r"\D", "", match[0]).removeprefix("00")
        known = any(digits[:size] in _CODES for size in (1, 2, 3))
        grouped = len(digits) < len(match[0]) - 1
        # a line that a patch adds begins with a plus, too
        if known and 9 <= len(digits) <= 15 and (grouped or (match.start() > 0 and len(digits) > 10)):
            yield Span(*match.span(), "phone number")
    for match in _AT_HOME.finditer(text):
        yield Span(*match.span(), "phone number")
    if any(name in lower for name in _CALLS):
        for match in _PHONE_NAMED.finditer(text):
            yield Span(*match.span("phone"), "phone number")
