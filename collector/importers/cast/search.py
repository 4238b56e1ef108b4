"""Finds what is sensitive in a whole cast, in every way in which its text can be put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from collector.importers.cast.echo import Echo
from collector.importers.cast.patterns import MASK, WIDE_MASK, Known, asks_for_password, sensitive
from collector.importers.cast.payloads import decoded
from collector.importers.cast.pool import Place
from collector.importers.cast.shadow import Shadow, Traced, Widths
from collector.importers.cast.source import Unusable
from collector.importers.cast.typed import Line, Typed
from collector.terminal.cast import Cast, parse_size

MOST = 200_000
_LONG_LINE = 16_384
_OVERLAP = 4096
Spans = dict[int, list[tuple[int, int]]]
"""Characters [start, end) of events, by the event's number."""


class Search:
    """One pass over a cast. `spans` are the places to mask; `known` is added to, and looked for as well."""

    def __init__(self, cast: Cast, known: Known, widths: Widths) -> None:
        self.spans: Spans = {}
        self.values: dict[str, set[str]] = {}
        self._cast, self._known = cast, known
        self._shadow = Shadow(cast.columns, cast.rows, widths)
        self._typed = Typed()
        self._echo = Echo(self._shadow)
        self._in_key = {"plain": False, "sent": False, "meant": False}
        self._seen: dict[tuple[str, bool, tuple[int, ...]], bool] = {}
        self._marked = 0

    def run(self) -> Search:
        shadow = self._shadow
        for number, event in enumerate(self._cast.events()):
            if event.code == "o":
                for _ in shadow.feed(number, event.data):
                    self._look()
                self._echo.output()
            elif event.code == "r":
                self._plain_ended()
                shadow.resize(*parse_size(event.data, str(self._cast.path)))
                self._rows()
            elif event.code == "i":
                self._unseen()
                if not self._typed.begun:
                    self._echo.begins()
                if not self._typed.secret:
                    self._typed.secret = asks_for_password(shadow.plain.join())
                for line in self._typed.feed(number, event.data):
                    self._line_typed(*line)
                    self._echo.entered(*line[:2])
            else:
                self._scan(event.data, lambda at, n=number: (n, at))  # type: ignore[misc]
        self._unseen()
        self._line_typed(*self._typed.end())
        self._plain_ended()
        return self

    def _look(self) -> None:
        shadow = self._shadow
        for payload in shadow.payloads:
            self._payload(payload)
        shadow.payloads.clear()
        if shadow.line_ended:
            self._plain_ended()
        elif shadow.plain.size > _LONG_LINE:
            line = shadow.plain
            self._plain_ended()
            shadow.plain = line.part(line.size - _OVERLAP, line.size)
        if shadow.rearranged:
            self._rows()

    def _plain_ended(self) -> None:
        line = self._shadow.plain
        self._in_key["plain"] = self._scan(line.join(), line.place, self._in_key["plain"])

    def _rows(self) -> None:
        in_key = False
        if len(self._seen) > 50_000:
            self._seen.clear()
        for row in self._shadow.rows():
            if not row.strip():
                continue
            key = (row, in_key, self._shadow.age(row))
            after = self._seen.get(key)
            if after is None:
                text = self._shadow.read(row)
                after = self._seen[key] = self._scan(text, lambda at, row=row: self._shadow.place(row[at]), in_key)  # type: ignore[misc]
            in_key = after

    def _line_typed(self, sent: Line, meant: Line, secret: bool) -> None:
        for name, (text, places) in (("sent", sent), ("meant", meant)):
            self._in_key[name] = self._scan(text, places.__getitem__, self._in_key[name])
        if secret:
            self._password(sent, meant)

    def _password(self, sent: Line, meant: Line) -> None:
        for text, places in (sent, meant):
            for at, character in enumerate(text):
                if character not in (MASK, WIDE_MASK):
                    self._mark(at, at + 1, places.__getitem__)
        if meant[0].strip("•＊ "):
            self._remember(meant[0], "password typed")

    def _unseen(self) -> None:
        """The line before, if the terminal showed nothing of it, is a password."""
        if (line := self._echo.secret()) is not None:
            self._password(*line)

    def _payload(self, payload: Traced) -> None:
        text = payload.text
        self._scan(text, payload.place)
        if (said := decoded(text)) is not None and any(map(self._scan_only, said[1].splitlines())):
            self._mark(said[0], len(text), payload.place)

    def _scan_only(self, text: str) -> bool:
        found, after = sensitive(text)
        for part in found:
            self._remember(text[part.start : part.end], part.kind, part.known)
        return bool(found or after or self._known.find(text))

    def _scan(self, text: str, place: Callable[[int], Place], in_key: bool = False) -> bool:
        """Mark what is sensitive in a line; whether a private key goes on after it."""
        if not text:
            return in_key
        found, after = sensitive(text, in_key)
        for part in found:
            value = text[part.start : part.end]
            if value.strip("•＊ \t"):
                self._remember(value, part.kind, part.known)
                self._mark(part.start, part.end, place)
        if self._known:
            for part in self._known.find(text):
                self._mark(part.start, part.end, place)
        return after

    def _remember(self, value: str, kind: str, known: bool = True) -> None:
        values = self.values.setdefault(kind, set())
        if value not in values and "•" not in value:
            values.add(value)
            if known:
                self._known.add(value, kind)
        if len(values) > 2000:
            raise Unusable(f"more than 2,000 sensitive strings ({kind}); leave the file out")

    def _mark(self, start: int, end: int, place: Callable[[int], Place]) -> None:
        for at in range(start, end):
            event, offset = place(at)
            if event < 0:
                continue
            spans = self.spans.setdefault(event, [])
            if spans and spans[-1][0] <= offset <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(offset + 1, spans[-1][1])
            else:
                spans.append((offset, offset + 1))
                self._marked += 1
                if self._marked > MOST:
                    raise Unusable(f"more than {MOST:,} sensitive places; leave the file out")


def counts(values: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many different strings of each kind; one that is the start of another was only not yet complete."""
    said = {}
    for kind, found in values.items():
        ordered = sorted(found)
        said[kind] = sum(
            1 for n, value in enumerate(ordered) if n + 1 == len(ordered) or not ordered[n + 1].startswith(value)
        )
    return said
