"""Masks a cast: the characters of every secret are replaced, so that all that is drawn later is masked too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collector.importers.cast.places import Places
from collector.importers.cast.search import Search, counts
from collector.importers.cast.shadow import Widths
from collector.importers.cast.source import Unusable
from collector.importers.cast.trace import trace
from collector.terminal.cast import CastEvent, open_cast, write_cast
from manifests.files import replacing
from manifests.secrets import MASK, WIDE_MASK, SecretSearch

_ROUNDS = 10
_LEFT = "a sensitive string could not be masked for certain; leave the file out"


def find(path: Path, wanted: SecretSearch | None = None) -> dict[str, int]:
    """How many sensitive strings of each kind a cast of ours holds."""
    wanted = wanted or SecretSearch()
    cast = open_cast(path)
    mask_header(cast.header, wanted)
    Search(cast, wanted).run()
    return counts(wanted.values)


def mask(path: Path, wanted: SecretSearch | None = None) -> dict[str, int]:
    """Mask every sensitive string of a cast of ours, in place; how many of each kind there were.

    A first pass only looks, which is all that most casts need. What it sees on the screen is followed to the characters
    that are drawn there; then the masked cast is looked at again, with all that is known by then: what was found late
    may stand earlier, or elsewhere, too. Raises `Unusable` where something would still be readable.
    """
    wanted, widths = wanted or SecretSearch(), Widths()
    mask_header(open_cast(path).header, wanted)
    for _ in range(_ROUNDS):
        before = wanted.size
        search = Search(open_cast(path), wanted).run()
        if search.hits:
            trace(open_cast(path), search.hits, widths, search.places)
        if search.hits or search.places:
            _rewrite(path, search.places, widths, wanted)
        elif wanted.size == before:
            break
    else:
        raise Unusable(_LEFT)
    header = open_cast(path).header
    if mask_header(header, wanted) != header:
        _rewrite(path, Places(), widths, wanted)
    return counts(wanted.values)


def mask_header(header: dict[str, Any], wanted: SecretSearch) -> dict[str, Any]:
    """The header with its texts masked; what is found is remembered."""
    masked: dict[str, Any] = dict(header)
    for key in ("title", "command"):
        if key in header:
            masked[key] = mask_text(header[key], wanted)
    if "env" in header:
        masked["env"] = {
            mask_text(name, wanted): _cover(value, wanted.find_variable(name, value))
            for name, value in header["env"].items()
        }
    if "tags" in header:
        masked["tags"] = [mask_text(tag, wanted) for tag in header["tags"]]
    return masked


def mask_text(text: str, wanted: SecretSearch) -> str:
    """A text of the header, masked."""
    return "\n".join(_cover(line, wanted.find_hidden(line)) for line in text.split("\n"))


def _cover(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + MASK * (end - start) + text[end:]
    return text


def _rewrite(path: Path, places: Places, widths: Widths, wanted: SecretSearch) -> None:
    cast = open_cast(path)

    def events() -> Iterator[CastEvent]:
        for number, event in enumerate(cast.events()):
            yield event._replace(data=_masked(event.data, places, number, widths)) if number in places else event

    with replacing(path) as temporary:
        write_cast(temporary, mask_header(cast.header, wanted), events())


def _masked(data: str, places: Places, event: int, widths: Widths) -> str:
    """The data with the characters at `places` replaced by others that take as many cells."""
    characters = list(data)
    for start, size in places.of(event):
        if size > 1:
            characters[start : start + size] = [MASK]
            continue
        width = widths(characters[start]) if characters[start] >= " " else 0
        if width:
            characters[start] = WIDE_MASK if width == 2 else MASK
    return "".join(characters)
