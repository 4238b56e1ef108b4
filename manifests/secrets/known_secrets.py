"""Finding values again that were found once with certainty, anywhere in the rest of a recording."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from manifests.secrets.spans import MASK, WIDE_MASK, Certainty, Span

PIECE = 8
"""Length in characters of the pieces of a known secret that are looked for, so that a part of it is found, too."""
_SHORTEST = 6
_PLAIN = re.compile(r"[a-z _-]+|[A-Z _-]+|[\d.,:/ -]+|.*[a-z]{4}.*")
"""A piece that any text may hold by chance: part of a word, or of a number."""
_WHOLE = ("e-mail address", "card number", "bank account", "national id", "phone number")


class KnownSecrets:
    """Values to find again. Of long random ones any piece of `PIECE` characters is found, of others only the whole."""

    def __init__(self) -> None:
        self._pieces: dict[str, str] = {}
        self._parts: set[str] = set()
        """Every run of four characters of every piece."""
        self._whole: dict[str, list[tuple[str, int, int, str]]] = {}
        """By their first three characters: the text, which part of it is the secret, and its kind."""
        self._any_case: dict[str, list[tuple[str, str]]] = {}
        self.count = 0
        self.longest = PIECE
        """Characters of the longest text that is looked for."""

    def __bool__(self) -> bool:
        return bool(self._pieces or self._whole or self._any_case)

    def add(self, value: str, kind: str) -> None:
        """Remember a value; one that is too short to be distinguished from a word is not looked for."""
        if MASK in value or WIDE_MASK in value:
            return
        self.count += 1
        if kind == "e-mail address":
            self._add_whole(value[: value.index("@") + 4], 0, kind)  # a screen may cut it; of the name alone many
            return  # prompts are made: max@laptop
        if kind in _WHOLE or len(value) < PIECE or " " in value.strip():
            if len(value.strip()) >= _SHORTEST:
                self._add_whole(value.strip(), 0, kind)
            return
        pieces = [value[at : at + PIECE] for at in range(len(value) - PIECE + 1)]
        mixed = [piece for piece in pieces if not _PLAIN.fullmatch(piece)]
        if len(mixed) * 2 < len(pieces):
            self._add_whole(value, 0, kind)
        for piece in mixed:
            self._pieces[piece] = kind
            self._parts.update(piece[at : at + 4] for at in range(PIECE - 3))

    def add_behind(self, before: str, value: str, kind: str) -> None:
        """Remember a value, however short; it is found only where it follows `before` directly."""
        if before.strip() and value and MASK not in value:
            self.count += 1
            self._add_whole(before + value, len(before), kind)

    def add_listed(self, texts: Iterable[str]) -> None:
        """Remember texts of a user's list: they are found anywhere, in upper or lower case."""
        for text in texts:
            low = text.lower()
            self._any_case.setdefault(low[:3], []).append((low, "listed"))
            self.longest = max(self.longest, len(low))

    def _add_whole(self, text: str, start: int, kind: str) -> None:
        entries = self._whole.setdefault(text[:3], [])
        if (text, start, len(text), kind) not in entries:
            entries.append((text, start, len(text), kind))
            self.longest = max(self.longest, len(text))

    def may_occur(self, text: str) -> bool:
        """A fast test: False means that `find` would find nothing in the text."""
        return bool(
            (self._parts and any(map(self._has_piece, [word for word in set(text.split()) if len(word) >= PIECE])))
            or (self._whole and any(begin in text and self._begins(begin, text) for begin in self._whole))
            or (self._any_case and next(self._find_listed(text), None))
        )

    def find(self, text: str) -> list[Span]:
        """Every occurrence of a remembered value in the text."""
        found = list(self._find_pieces(text)) if self._parts else []
        if self._whole:
            found.extend(self._find_whole(text))
        if self._any_case:
            found.extend(self._find_listed(text))
        return found

    def _begins(self, begin: str, text: str) -> bool:
        return any(whole in text for whole, *_ in self._whole[begin])

    def _has_piece(self, word: str) -> bool:
        """Whether a word holds a piece. Pieces have no blank in them, so words can be searched one by one."""
        return bool(self._hints(word)) and next(self._find_pieces(word), None) is not None

    def _find_pieces(self, text: str) -> Iterator[Span]:
        checked = 0
        for hint in self._hints(text):
            for at in range(max(checked, hint - PIECE + 4), min(hint, len(text) - PIECE) + 1):
                kind = self._pieces.get(text[at : at + PIECE])
                if kind is not None:
                    yield Span(at, at + PIECE, kind, Certainty.KNOWN)
            checked = hint + 1

    def _hints(self, text: str) -> list[int]:
        """Positions, of every fifth, at which four characters of a piece occur: every piece covers such a position."""
        parts = self._parts
        return [at for at in range(0, len(text) - 3, 5) if text[at : at + 4] in parts]

    def _find_whole(self, text: str) -> Iterator[Span]:
        for begin, entries in self._whole.items():
            at = text.find(begin)
            while at >= 0:
                for whole, start, end, kind in entries:
                    if text.startswith(whole, at) and _alone(text, at + start, at + end, kind):
                        yield Span(at + start, at + end, kind, Certainty.KNOWN)
                at = text.find(begin, at + 1)

    def _find_listed(self, text: str) -> Iterator[Span]:
        low = text.lower()
        if len(low) != len(text):  # a few letters become two
            low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        for at in range(len(low) - 2):
            for whole, kind in self._any_case.get(low[at : at + 3], ()):
                if low.startswith(whole, at):
                    yield Span(at, at + len(whole), kind, Certainty.KNOWN)


def _alone(text: str, start: int, end: int, kind: str) -> bool:
    """Whether the value [start, end) is not part of a longer word or number."""
    if kind == "e-mail address":
        return start == 0 or not text[start - 1].isalnum()
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before.isalnum() and text[start].isalnum()) and not (after.isalnum() and text[end - 1].isalnum())
