"""Finds what is sensitive in a whole cast: in its output, on its screen, and in what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from collector.importers.cast.echo import Echo
from collector.importers.cast.hits import Hits
from collector.importers.cast.payloads import decoded
from collector.importers.cast.places import Places
from collector.importers.cast.plain_text import BREAK, Chunk, ChunkMaker, Lines, Origins, Place
from collector.importers.cast.screen_search import ScreenSearch
from collector.importers.cast.typed import Entered, TypedLine
from collector.terminal.cast import Cast, parse_size
from manifests.secrets import MASK, WIDE_MASK, SecretSearch, asks_for_password
from manifests.secrets.detect import LONGEST
from manifests.secrets.private_keys import PRIVATE

_OVERLAP = 4096
_PROMPT = 24
"""Characters of a prompt that are remembered with what was typed behind it."""
_ECHO = 64
_ECHOES_MOST = 2000
_BATCH, _BATCH_LINES = 65_536, 256
"""Characters of lines that have ended, and chunks of them, that may wait to be searched."""


class Search:
    """One pass over a cast. `places` is what to mask; `wanted` is looked for, and added to.

    The screen is only looked at: `hits` says where on it something is to be masked, for others to follow.
    """

    def __init__(self, cast: Cast, wanted: SecretSearch) -> None:
        self.places = Places()
        self._cast, self._wanted = cast, wanted
        self._screen = ScreenSearch(cast.columns, cast.rows, wanted)
        self._chunks, self._lines = ChunkMaker(), Lines(LONGEST, _OVERLAP)
        self._typed, self._echo = TypedLine(), Echo()
        self._in_key = {"plain": False, "sent": False, "meant": False}
        self._ended: list[tuple[str, Origins]] = []
        self._ended_size = 0
        self._echoed: list[Chunk] = []
        self._prompt = ""

    @property
    def hits(self) -> Hits:
        return self._screen.hits

    def run(self) -> Search:
        for number, event in enumerate(self._cast.events()):
            if event.code == "o":
                self._output(self._chunks.feed(number, event.data))
            elif event.code == "r":
                self._end_open_line()
                self._screen.resize(*parse_size(event.data, str(self._cast.path)))
            elif event.code == "i":
                self._input(number, event.data)
            else:
                self._scan(event.data, lambda at, n=number: (n, at))  # type: ignore[misc]
        self._unseen()
        self._line_typed(*self._typed.end())
        self._output(self._chunks.rest())
        self._end_open_line()
        self._settle()
        self._screen.settle()
        return self

    def _output(self, chunk: Chunk) -> None:
        if not chunk.raw:
            return
        for start, payload in chunk.payloads():
            self._payload(payload, _from(chunk.place_in_raw, start))
        ended = self._lines.feed(chunk)
        if ended is not None:
            self._lines_ended(*ended)
        self._screen.feed(chunk)
        self._echo.output(chunk.text)
        if self._typed.secret and self._typed.begun and len(self._echoed) < _ECHOES_MOST:
            self._echoed.append(chunk)

    def _lines_ended(self, text: str, origins: Origins) -> None:
        """Lines and parts of lines that have ended wait until there is a batch of them."""
        self._ended.append((text, origins))
        self._ended_size += len(text)
        if self._ended_size > _BATCH or len(self._ended) > _BATCH_LINES:
            self._settle()

    def _settle(self) -> None:
        """Search the lines that wait."""
        ended, self._ended, self._ended_size = self._ended, [], 0
        odd = set(self._wanted.sift([text for text, _ in ended]))
        for number, (text, origins) in enumerate(ended):
            if number not in odd and not self._in_key["plain"] and PRIVATE not in text:
                continue
            at = 0
            for line in text.split("\n"):
                for part in line.split(BREAK):
                    self._in_key["plain"] = self._scan(part, _from(origins.place, at), self._in_key["plain"])
                    at += len(part) + 1

    def _end_open_line(self) -> None:
        self._lines_ended(*self._lines.end())

    def _input(self, number: int, data: str) -> None:
        self._unseen()
        typed = self._typed
        row, above = self._screen.before_cursor() if not typed.secret else ("", "")
        if not typed.begun:
            self._echo.begins(row, self._screen.full_screen)
            self._echoed = []
        if not typed.secret and (asks_for_password(row) or (not row and self._asks_above(above))):
            typed.secret, self._prompt = True, row or above
        for line, secret in typed.feed(number, data):
            self._line_typed(line, secret)
            self._echo.entered(line)

    def _asks_above(self, above: str) -> bool:
        """Whether the row above the cursor asks for a password, and nobody has answered it there."""
        return not self._typed.begun and above.rstrip() != self._prompt.rstrip() and asks_for_password(above)

    def _line_typed(self, line: Entered, secret: bool) -> None:
        for name, text, places in (
            ("sent", line.sent, line.sent_places), ("meant", line.meant, line.meant_places)
        ):  # fmt: skip
            if not text:
                continue
            found, self._in_key[name] = self._wanted.find(text, self._in_key[name])
            for start, end in found:
                for place in places[start:end]:
                    self.places.add_key(*place)
        if secret:
            self._answered(line)

    def _answered(self, line: Entered) -> None:
        """A line that answers a password prompt: its keys, and what of it came back on the screen."""
        shown = self._echo.shows(line.meant)
        self._password(line, certain=not shown)
        if line.meant.strip():
            self._wanted.known.add_behind(self._prompt[-_PROMPT:], line.meant, "password typed")
            if self._prompt and not self._prompt.endswith(" "):
                self._wanted.known.add_behind(self._prompt[-_PROMPT:] + " ", line.meant, "password typed")
        typed = set(line.sent)
        for chunk in self._echoed:
            text = chunk.text.split("\n")[0]
            if len(text) <= max(_ECHO, len(line.sent)) and set(text.replace(BREAK, "")) <= typed | set(" \b*•"):
                for at, character in enumerate(text):
                    if character not in f" *{BREAK}{MASK}{WIDE_MASK}":
                        self.places.add(*chunk.place(at))
        self._echoed = []

    def _password(self, line: Entered, certain: bool = True) -> None:
        for text, places in ((line.sent, line.sent_places), (line.meant, line.meant_places)):
            for character, place in zip(text, places, strict=True):
                if character not in (MASK, WIDE_MASK):
                    self.places.add_key(*place)
        if not line.masked:
            self._wanted.remember(line.meant, "password typed", certain)

    def _unseen(self) -> None:
        """The line before, if the terminal showed nothing of it, is a password."""
        if (line := self._echo.secret()) is not None:
            self._password(line)

    def _payload(self, payload: str, place: Callable[[int], Place]) -> None:
        for start, end in self._wanted.find_hidden(payload):
            self._mark(start, end, place)
        for start, end, text in decoded(payload):
            if any(list(self._wanted.find_hidden(line)) for line in text.splitlines()):
                self._mark(start, end, place)

    def _scan(self, text: str, place: Callable[[int], Place], in_key: bool = False) -> bool:
        """Mark what is sensitive in a line; whether a private key goes on after it."""
        if not text:
            return in_key
        found, after = self._wanted.find(text, in_key)
        for start, end in found:
            self._mark(start, end, place)
        return after

    def _mark(self, start: int, end: int, place: Callable[[int], Place]) -> None:
        for at in range(start, end):
            self.places.add(*place(at))


def _from(place: Callable[[int], Place], start: int) -> Callable[[int], Place]:
    return lambda at: place(start + at)


def counts(values: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many different strings of each kind; one that is the start of another was only not yet complete."""
    counted = {}
    for kind, found in values.items():
        ordered = sorted(found)
        counted[kind] = sum(
            1 for n, value in enumerate(ordered) if n + 1 == len(ordered) or not ordered[n + 1].startswith(value)
        )
    return counted
