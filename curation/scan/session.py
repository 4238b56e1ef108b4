"""Scanning one session: the keys typed, the text on its screens, its captions, goal and names.

A value that is certain anywhere in a session is looked for in all of it, so the session is searched again until a pass
finds nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from curation.scan.clips import CAPTIONS, ID_COLUMNS, TEXT_COLUMNS, cell_of
from curation.scan.findings import ClipFindings, by_row
from curation.scan.partial_values import add_partial_values
from curation.scan.screens import Screens
from curation.scan.typed_lines import Place, SessionLine, lines
from manifests.clip import EventRow
from manifests.secrets import NO_NAMES, OwnNames, SecretSearch, Span
from manifests.session import IN_CLEAR

_ROUNDS = 6
_FEWEST, _BEGIN = 4, 6
"""Fewest characters of a masked text that are looked for in captions, and how many of its beginning have to match."""


@dataclass(frozen=True)
class ScanOptions:
    """What to look for besides secrets."""

    listed: tuple[str, ...] = ()
    """The user's own strings."""
    names: OwnNames = NO_NAMES
    """Names of this machine and its users."""

    def search(self) -> SecretSearch:
        return SecretSearch(self.listed, self.names)


def scan_session(rows: Sequence[EventRow], options: ScanOptions) -> list[ClipFindings]:
    """What is sensitive in each of a session's clips, which are given in order."""
    search = options.search()
    for _ in range(_ROUNDS):
        before = search.size
        found = _search_once(rows, search)
        if search.size == before:
            break
    add_partial_values([row["screen_text"] for row in rows], [one.screen for one in found])
    for one, row in zip(found, rows, strict=True):
        parts = _typed_parts(row, one) | _shown_parts(row, one)
        for column in CAPTIONS if parts else ():
            one.texts.setdefault(column, []).extend(_repeated(row[column], parts))
        one.unseen = bool(one.columns) and not _is_read(row)
    return found


def _is_read(row: EventRow) -> bool:
    """Whether the text of every picture is known."""
    return bool(row["screen_text"]) and len(row["screen_text"]) > max(row["picture"])


def _search_once(rows: Sequence[EventRow], search: SecretSearch) -> list[ClipFindings]:
    found = [ClipFindings(row["clip_id"]) for row in rows]
    cell = cell_of(rows)
    for typed in lines(rows, cell):
        _typed(typed, found, search)
    screens = Screens(rows[0]["width"] // cell[0] if cell else 0, search)
    for row, one in zip(rows, found, strict=True):
        for picture, text in enumerate(row["screen_text"]):
            for place, span, value in screens.find(picture, text):
                one.screen.add(place)
                one.add(span.kind, value, "screen_text")
        _search_columns(row, one, search)
    return found


def _search_columns(row: EventRow, one: ClipFindings, search: SecretSearch) -> None:
    for number, action in enumerate(row["actions"]):
        if action["kind"] == "marker" and action["char"]:
            for span in _spans(action["char"], search):
                one.keys.setdefault(number, set()).update(range(span.start, span.end))
                one.add(span.kind, action["char"][span.start : span.end], "actions")
    for column in TEXT_COLUMNS:
        text = row[column]
        spans = _spans(text, search)
        for span in spans:
            one.add(span.kind, text[span.start : span.end], column)
        if spans:
            one.texts[column] = spans
    for name in ID_COLUMNS:
        for span in _spans(row[name], search):
            one.unmaskable.append(name)
            one.add(span.kind, row[name][span.start : span.end], name)
    for reason in row["invalid_reasons"]:
        if reason.startswith(IN_CLEAR) and not _is_read(row):
            one.add("typed in clear", reason, "invalid_reasons")
        for span in _spans(reason, search):
            one.unmaskable.append("invalid_reasons")
            one.add(span.kind, reason[span.start : span.end], "invalid_reasons")


def _spans(text: str, search: SecretSearch) -> list[Span]:
    spans: list[Span] = []
    at, inside = 0, False
    for line in text.split("\n"):
        if inside or search.sift([line]):
            here, inside = search.spans(line, inside)
            spans += [span._replace(start=span.start + at, end=span.end + at) for span in here]
        at += len(line) + 1
    return spans


def _repeated(caption: str, parts: set[str]) -> Iterator[Span]:
    """Where a caption repeats text that is masked elsewhere in the clip; the repetition may be cut off at its end."""
    for part in parts:
        at = caption.find(part[:_BEGIN])
        while at >= 0:
            pairs = enumerate(zip(part, caption[at:], strict=False))
            size = next((n for n, (a, b) in pairs if a != b), min(len(part), len(caption) - at))
            yield Span(at, at + size, "repeated")
            at = caption.find(part[:_BEGIN], at + size)


def _shown_parts(row: EventRow, one: ClipFindings) -> set[str]:
    """The texts that are masked on the clip's pictures."""
    runs = by_row(one.screen).items()
    texts = {
        row["screen_text"][picture].split("\n")[y][start:end] for (picture, y), here in runs for start, end in here
    }
    return {text for text in texts if len(text) >= _FEWEST}


def _typed_parts(row: EventRow, one: ClipFindings) -> set[str]:
    """The texts of masked keys that were typed one after another."""
    runs, run, last = set[str](), "", -1
    for number in sorted(one.keys):
        char = row["actions"][number]["char"] or ""
        text = "".join(c for at, c in enumerate(char) if at in one.keys[number])
        between = row["actions"][last + 1 : number]
        if any(action["kind"] in ("key", "key_down") and action["char"] for action in between):
            runs.add(run)
            run = ""
        run, last = run + text, number
    return {run for run in (*runs, run) if len(run) >= _FEWEST}


def _typed(typed: SessionLine, found: list[ClipFindings], search: SecretSearch) -> None:
    line = typed.line
    for text, places in ((line.sent, line.sent_places), (line.meant, line.meant_places)):
        for span in _spans(text, search):
            value = text[span.start : span.end]
            for place in places[span.start : span.end]:
                _mark(found, place, span.kind, value)
    if typed.secret is None:
        return
    for place in (*line.sent_places, *line.meant_places):
        _mark(found, place, "password typed", line.meant)
    search.remember(line.meant, "password typed", typed.secret)


def _mark(found: list[ClipFindings], place: Place, kind: str, value: str) -> None:
    one = found[place.clip]
    one.keys.setdefault(place.action, set()).add(place.at)
    one.add(kind, value, "actions")
