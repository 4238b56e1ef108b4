"""Masks a cast: the characters of every secret are replaced, so that all that is drawn later is masked too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collector.importers.cast.patterns import MASK, WIDE_MASK, Known, sensitive
from collector.importers.cast.search import Search, Spans, counts
from collector.importers.cast.shadow import Widths
from collector.importers.cast.source import Unusable
from collector.terminal.cast import Cast, CastEvent, open_cast, parse_size, write_cast
from collector.terminal.screen import Screen
from manifests.files import replacing

_ROUNDS = 5
_ROWS_SEEN = 20_000


def find(path: Path) -> dict[str, int]:
    """How many sensitive strings of each kind a cast of ours holds."""
    cast, known = open_cast(path), Known()
    search = Search(cast, known, Widths()).run()
    mask_header(cast.header, known, search.values)
    return counts(search.values)


def mask(path: Path) -> dict[str, int]:
    """Mask every sensitive string of a cast of ours, in place; how many of each kind there were.

    Raises `Unusable` where one would still be readable afterwards.
    """
    known, widths = Known(), Widths()
    values: dict[str, set[str]] = {}
    mask_header(open_cast(path).header, known, values)
    for _ in range(_ROUNDS):
        before = known.count
        search = Search(open_cast(path), known, widths).run()
        for kind, found in search.values.items():
            values.setdefault(kind, set()).update(found)
        if search.spans:
            _rewrite(path, search.spans, widths, known)
        elif known.count == before:  # else what was found late may stand earlier, or elsewhere, too
            break
    else:
        raise Unusable("a sensitive string could not be masked for certain; leave the file out")
    if known:
        header = mask_header(open_cast(path).header, known, values)
        if header != open_cast(path).header:
            _rewrite(path, {}, widths, known)
        if _still_shown(open_cast(path), known):
            raise Unusable("a sensitive string could not be masked for certain; leave the file out")
    return counts(values)


def mask_header(header: dict[str, Any], known: Known, values: dict[str, set[str]]) -> dict[str, Any]:
    """The header with its texts masked; what is found is added to `known` and `values`."""
    masked: dict[str, Any] = dict(header)
    for key in ("title", "command"):
        if key in header:
            masked[key] = _mask_text(header[key], known, values)
    if "env" in header:
        masked["env"] = {
            name: _mask_text(f"{name}={value}", known, values)[len(name) + 1 :] for name, value in header["env"].items()
        }
    if "tags" in header:
        masked["tags"] = [_mask_text(tag, known, values) for tag in header["tags"]]
    return masked


def _mask_text(text: str, known: Known, values: dict[str, set[str]]) -> str:
    found, _ = sensitive(text)
    for part in found:
        value = text[part.start : part.end]
        if value.strip(MASK):
            values.setdefault(part.kind, set()).add(value)
            if part.known:
                known.add(value, part.kind)
    for part in [*found, *known.find(text)]:
        text = text[: part.start] + MASK * (part.end - part.start) + text[part.end :]
    return text


def _rewrite(path: Path, spans: Spans, widths: Widths, known: Known) -> None:
    cast = open_cast(path)

    def events() -> Iterator[CastEvent]:
        for number, event in enumerate(cast.events()):
            yield event._replace(data=_masked(event.data, spans[number], widths)) if number in spans else event

    with replacing(path) as temporary:
        write_cast(temporary, mask_header(cast.header, known, {}), events())


def _masked(data: str, spans: list[tuple[int, int]], widths: Widths) -> str:
    """The data with the characters of `spans` replaced by others that take as many cells."""
    characters = list(data)
    for start, end in spans:
        for at in range(start, end):
            width = widths(characters[at]) if characters[at] >= " " else 0
            if width:
                characters[at] = WIDE_MASK if width == 2 else MASK
    return "".join(characters)


def _still_shown(cast: Cast, known: Known) -> bool:
    """True if the terminal that draws would still show a known secret."""
    screen = Screen(cast.columns, cast.rows)
    seen: set[str] = set()
    for event in cast.events():
        if event.code == "o":
            screen.feed(event.data)
        elif event.code == "r":
            screen.resize(*parse_size(event.data, str(cast.path)))
        else:
            continue
        if len(seen) > _ROWS_SEEN:
            seen.clear()
        for text in _from_row_on(screen.text().split("\n"), known.longest):
            if text not in seen:
                seen.add(text)
                if known.find(text):
                    return True
    return False


def _from_row_on(rows: list[str], longest: int) -> Iterator[str]:
    """Each row, and as much of those after it as what begins in it could take."""
    for number, row in enumerate(rows):
        after, following = "", number + 1
        while following < len(rows) and len(after) < longest:
            after += rows[following]
            following += 1
        if row:
            yield row + after[:longest]
