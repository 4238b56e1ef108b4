"""A terminal session replayed beside its pictures: the text that each shows, and what happened from clip to clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.packing.captions import ClipFacts, terminal_captions
from collector.packing.recorded_session import RecordedSession
from collector.packing.stretches import ClipSpan
from collector.packing.text_columns import ClipTexts
from collector.terminal.cast import CastEvent, open_cast, parse_size
from collector.terminal.screen import Screen
from collector.terminal.transcript import Transcript
from manifests.errors import GoaltraceError
from manifests.session import FOREVER_NS, Action, Event

MAX_CHARS = 2**28
"""Of all pictures' texts of a session, which are in memory at once."""


class Replay:
    """Goes through a session's cast and keys once, clip by clip, in order."""

    def __init__(self, session: RecordedSession) -> None:
        cast = open_cast(session.folder.cast)
        self._session = session
        self._hidden = hidden_spans(session.events)
        self._where = str(cast.path)
        self._screen = Screen(cast.columns, cast.rows)
        self._transcript = Transcript(cast.columns, cast.rows)
        self._events, self._keys = cast.events(), iter(session.actions)
        self._event: CastEvent | None = next(self._events, None)
        self._key: Action | None = next(self._keys, None)
        self._text: str | None = None
        self._chars = 0

    def columns(self, stretch: ClipSpan, first: int, end: int) -> ClipTexts:
        """`screen_text` and the captions of the clip of the frames [first, end), which follow the clip before it.

        They say what happened after its first frame was taken and until the next clip's first frame: the same
        rule as for actions.
        """
        frames = self._session.frames
        self._go(frames[first].t1_ns, stretch)
        self._transcript.take()
        texts = list(self._texts(stretch, first, end))
        self._go(frames[end].t1_ns if end < stretch.stop else stretch.end_ns - 1, stretch)
        seen = [text for text, blank in texts if not blank]
        facts = ClipFacts(
            part=self._transcript.take(),
            marked=self._transcript.marked,
            began_ns=frames[first].t1_ns,
            before=seen[0] if seen else "",
            after=seen[-1] if seen else "",
            between=next((text for text in reversed(seen) if text not in (seen[0], seen[-1])), ""),
            blank=any(frame.redacted for frame in frames[first:end]),
        )
        return {"screen_text": [text for text, _ in texts], **terminal_captions(facts)}

    def _count(self, text: str) -> str:
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise GoaltraceError(f"{self._where}: its screens hold more than {MAX_CHARS:,} characters of text")
        return text

    def _texts(self, stretch: ClipSpan, first: int, end: int) -> Iterator[tuple[str, bool]]:
        """For each picture of a clip: its text, and whether it was left blank on purpose."""
        frames = list(zip(self._session.frames[first:end], self._session.pictures[first:end], strict=True))
        blank = {picture for frame, picture in frames if frame.redacted}
        shown = -1
        for frame, picture in frames:
            if picture != shown:
                shown = picture
                self._go(frame.t1_ns, stretch)
                yield "" if picture in blank else self._count(self._now()), picture in blank

    def _now(self) -> str:
        if self._text is None:
            self._text = "\n".join(row.rstrip(" ") for row in self._screen.text().split("\n")).rstrip("\n")
        return self._text

    def _go(self, t_ns: int, stretch: ClipSpan) -> None:
        """Everything up to `t_ns`; what is hidden or outside the stretch leaves no text."""
        output: list[str] = []
        while self._event is not None and self._event.t_ns <= t_ns:
            event = self._event
            self._press(event.t_ns, stretch)
            if event.code == "o":
                output.append(event.data)
                self._transcript.output(event.t_ns, event.data, self._quotable(event.t_ns, stretch))
            elif event.code == "r":
                self._feed(output)
                size = parse_size(event.data, self._where)
                self._screen.resize(*size)
                self._transcript.resize(*size)
                self._text = None
            self._event = next(self._events, None)
        self._press(t_ns, stretch)
        self._feed(output)

    def _feed(self, output: list[str]) -> None:
        if output:
            self._screen.feed("".join(output))
            self._text = None
            output.clear()

    def _press(self, t_ns: int, stretch: ClipSpan) -> None:
        while self._key is not None and self._key.t_ns <= t_ns:
            if self._key.kind == "key":
                hidden = self._key.redacted or not self._quotable(self._key.t_ns, stretch)
                self._transcript.key(self._key.key, hidden)
            self._key = next(self._keys, None)

    def _quotable(self, t_ns: int, stretch: ClipSpan) -> bool:
        """Whether what came at `t_ns` may be quoted: it is inside the stretch and was not hidden."""
        inside = stretch.begin_ns <= t_ns < stretch.end_ns
        return inside and not any(begin <= t_ns <= end for begin, end in self._hidden)


def hidden_spans(events: Sequence[Event]) -> list[tuple[int, int]]:
    """The spans [begin, end] of a session in which it was paused or hidden; the last may never end."""
    spans: list[tuple[int, int]] = []
    for begins, ends in (("pause", "resume"), ("hide", "show")):
        begin: int | None = None
        for event in sorted(events, key=lambda event: event.t_ns):
            if event.kind == begins and begin is None:
                begin = event.t_ns
            elif event.kind == ends and begin is not None:
                spans.append((begin, event.t_ns))
                begin = None
        if begin is not None:
            spans.append((begin, FOREVER_NS))
    return spans
