"""Searching one recording for secrets: by the detector, for values found before, for names of users and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from manifests.errors import GoaltraceError
from manifests.secrets.detect import find_in_line, may_hold
from manifests.secrets.known_secrets import KnownSecrets
from manifests.secrets.names import NO_NAMES, Names, OwnNames, of_variable, reported
from manifests.secrets.spans import MASK, WIDE_MASK, Certainty, Span

_MOST_VALUES = 5000
_HASHES_MOST = 300_000
_PARTS = 16
"""Into how many groups `_among` divides texts."""
_COVERED = MASK + WIDE_MASK + " \t\0"


class TooMany(GoaltraceError):
    """Nearly everything in the recording looks like a secret, so it should be left out."""


class SecretSearch:
    """The search through one recording, with its memory: values found, by kind; those to find again; reported names."""

    def __init__(self, listed: Iterable[str] = (), own: OwnNames = NO_NAMES, keep_names: bool = False) -> None:
        self.known = KnownSecrets()
        self.known.add_listed(listed)
        self.names = Names(own)
        self._keep_names = keep_names
        self.values: dict[str, set[str]] = {}
        self._innocent: set[int] = set()
        """Hashes of texts in which the detector finds nothing, so that the next pass skips them."""

    @property
    def size(self) -> int:
        """Grows with each new value or name to look for in the rest of the recording, so another pass is needed."""
        return self.known.count + self.names.count

    def sift(self, texts: list[str]) -> list[int]:
        """The indices of the texts that may hold something. They are tested in groups, so that most cost little."""
        numbers = range(len(texts))
        fresh = [number for number in numbers if hash(texts[number]) not in self._innocent]
        suspects = set(_among(fresh, texts, may_hold))
        self._remember_innocent(hash(texts[number]) for number in fresh if number not in suspects)
        if self.known or (self.names and not self._keep_names):
            suspects.update(_among(numbers, texts, self._may_occur))
        return sorted(suspects)

    def _remember_innocent(self, numbers: Iterable[int]) -> None:
        if len(self._innocent) > _HASHES_MOST:
            self._innocent.clear()
        self._innocent.update(numbers)

    def _may_occur(self, text: str) -> bool:
        """Whether a known value or a name may occur in a text."""
        return bool(self.known and self.known.may_occur(text)) or (not self._keep_names and self.names.may_occur(text))

    def find(self, text: str, in_key: bool = False) -> tuple[list[tuple[int, int]], bool]:
        """The [start, end) to mask in a line, and whether a private key continues after it."""
        spans, after = self.spans(text, in_key)
        return [(span.start, span.end) for span in spans], after

    def spans(self, text: str, in_key: bool = False) -> tuple[list[Span], bool]:
        """The same as `Span`s, which have kinds."""
        found, after = find_in_line(text, in_key)
        return self._kept(text, found), after

    def find_hidden(self, text: str) -> list[tuple[int, int]]:
        """The [start, end) to mask in a text that is not shown, such as a title, which may report names."""
        return self._with_names(text, reported(text))

    def find_variable(self, name: str, value: str) -> list[tuple[int, int]]:
        """The [start, end) to mask in the value of an environment variable."""
        begin = len(name) + 1
        beside = [
            (start - begin, end - begin) for start, end in self.find(f"{name}={value}")[0] if start >= begin
        ]  # fmt: skip
        return beside + self._with_names(value, of_variable(name, value))

    def _with_names(self, text: str, names: list[Span]) -> list[tuple[int, int]]:
        spans = self.find(text)[0]
        if not self._keep_names:
            for span in names:
                if (name := text[span.start : span.end]).strip(_COVERED):
                    self.names.add(name, span.kind)
                    self._remember(name, span.kind, False)
                    spans.append((span.start, span.end))
        return spans

    def remember(self, value: str, kind: str, certain: bool) -> None:
        """Record a value that was found; a certain one is looked for in the rest of the recording."""
        self._remember(value, kind, certain)

    def _kept(self, text: str, found: list[Span]) -> list[Span]:
        again = self.known.find(text) if self.known else []
        names = list(self.names.find(text)) if not self._keep_names else []
        for span in (*found, *names, *again):
            value = text[span.start : span.end].strip()
            if span in found:
                self._remember(value, span.kind, span.certainty is Certainty.KNOWN)
            elif span.kind == "listed":
                self._remember(value.lower(), "listed string", False)
            elif span in names:
                self._remember(value, span.kind, False)
        return [span for span in (*found, *names, *again) if text[span.start : span.end].strip(_COVERED)]

    def _remember(self, value: str, kind: str, certain: bool) -> None:
        if not value.strip(_COVERED) or MASK in value or WIDE_MASK in value or "\0" in value:
            return
        values = self.values.setdefault(kind, set())
        if value not in values:
            values.add(value)
            if certain:
                self.known.add(value, kind)
        if len(values) > _MOST_VALUES:
            raise TooMany(f"more than {_MOST_VALUES:,} sensitive strings ({kind}); leave the file out")


def _among(numbers: Sequence[int], texts: list[str], test: Callable[[str], bool]) -> Iterator[int]:
    """The texts that pass `test`, found by bisection: a group whose joined text fails is tested only once."""
    if not numbers or not test("\n".join([texts[number] for number in numbers])):
        return
    if len(numbers) == 1:
        yield numbers[0]
        return
    size = -(-len(numbers) // _PARTS)
    for at in range(0, len(numbers), size):
        yield from _among(numbers[at : at + size], texts, test)
