"""The lines typed in a session, reconstructed across its clips, each character with the action that typed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from manifests.clip import EventRow
from manifests.secrets import MASK, KeyedLine, KeyPress, LineEditor, asks, asks_for_password, named_with

_SHORTEST, _BEGIN = 4, 4
"""Fewest characters of a line that may be a password, and how many of its beginning are looked for on the screen."""


class Place(NamedTuple):
    """The position of a typed character: clip, action, and index in what the action typed."""

    clip: int
    action: int
    at: int


class SessionLine(NamedTuple):
    """A typed line: `secret` is None for one that is judged by its text alone."""

    line: KeyedLine[Place]
    secret: bool | None
    """True for one of which nothing was shown at a prompt that asks; False for an answer to a password prompt that was
    shown all the same."""


def lines(rows: Sequence[EventRow], cell: tuple[int, int] | None) -> Iterator[SessionLine]:
    """Every line of a session's clips."""
    screens = _Screens(rows, cell) if cell else None
    editor: LineEditor[Place] = LineEditor()
    asked: _Prompt | None = None
    for clip, number, slot, key in _keys(rows):
        for at, character in enumerate(key.char or [""]):
            if not editor.begun and screens is not None:
                asked = screens.prompt(clip, slot)
            line = editor.press(KeyPress(key.name, character, Place(clip, number, at)))
            if line is not None and line.sent:
                yield SessionLine(line, screens.hidden(asked, line, clip, slot) if screens and asked else None)
    rest = editor.end()
    if rest.sent:
        last = len(rows) - 1
        slot = len(rows[last]["t1_ns"])
        yield SessionLine(rest, screens.hidden(asked, rest, last, slot) if screens and asked else None)


def _keys(rows: Sequence[EventRow]) -> Iterator[tuple[int, int, int, KeyPress[None]]]:
    """Clip, action, slot and key of everything that was typed."""
    before: int | None = None
    for clip, row in enumerate(rows):
        held = set(row["start_keys"])
        if before is not None and row["clip_index"] != before + 1:
            yield clip, 0, 0, _END  # what lies between is not known
        before = row["clip_index"]
        for number, action in enumerate(row["actions"]):
            kind, name, char = action["kind"], action["key"], action["char"] or ""
            if kind == "key_up":
                held.discard(name or "")
            elif kind == "button_down":
                yield clip, number, action["slot"], _END
            elif kind in ("key", "key_down") and action["redacted"] and not char:
                yield clip, number, action["slot"], KeyPress(None, MASK, None)
            elif kind in ("key", "key_down"):
                if kind == "key_down":
                    name, char = _on_desktop(name, char, held)
                    held.add(action["key"] or "")
                elif char.startswith("\x1b"):
                    char = ""
                yield clip, number, action["slot"], KeyPress(name, char, None)


_END: KeyPress[None] = KeyPress("Return", "", None)


def _on_desktop(name: str | None, char: str, held: set[str]) -> tuple[str | None, str]:
    """A key as terminals name it; Tab ends a line, since it moves to another field."""
    if name == "Tab":
        return "Return", ""
    return named_with(name, char, held) if name else (name, char)


class _Prompt(NamedTuple):
    """Where a line began, and whether what stood there asks for a password, or for something."""

    clip: int
    slot: int
    password: bool
    question: bool


class _Screens:
    """What the screen showed while a line was typed."""

    def __init__(self, rows: Sequence[EventRow], cell: tuple[int, int]) -> None:
        self._rows, self._cell = rows, cell

    def prompt(self, clip: int, slot: int) -> _Prompt | None:
        """What stood before the cursor when a line began: in the frame before, or, of a prompt that came after that
        one was taken, in the next."""
        seen = [self._prompt(clip, frame) for frame in (slot, slot + 1)]
        asking = (prompt for prompt in seen if prompt and (prompt.password or prompt.question))
        return next(asking, None)

    def _prompt(self, clip: int, frame: int) -> _Prompt | None:
        row = self._rows[clip]
        text = self._text(clip, frame)
        if text is None or frame >= len(row["cursor_y"]) or row["cursor_y"][frame] < 0:
            return None
        shown = text.split("\n")
        x, y = row["cursor_x"][frame] // self._cell[0], row["cursor_y"][frame] // self._cell[1]
        before = shown[y][:x] if y < len(shown) else ""
        above = shown[y - 1] if 0 < y <= len(shown) and not before.strip() else ""
        password = asks_for_password(before) or (bool(above) and asks_for_password(above))
        return _Prompt(clip, frame, password, asks(before))

    def hidden(self, asked: _Prompt, line: KeyedLine[Place], clip: int, slot: int) -> bool | None:
        """Whether a line that ended in a slot was not echoed on the screen; None if no prompt asked for a secret."""
        meant = line.meant.strip()
        if not meant or line.masked:
            return None
        if asked.password:
            return not self._shows(meant, asked, clip, slot)
        if len(meant) < _SHORTEST or len(set(meant)) == 1 or self._shows(meant, asked, clip, slot + 1):
            return None
        return True

    def _shows(self, meant: str, asked: _Prompt, clip: int, slot: int) -> bool:
        """Whether what was typed came back on the screen, from behind the prompt to the frame of a slot."""
        return any(meant[:_BEGIN] in text for text in self._between(asked.clip, asked.slot + 1, clip, slot))

    def _between(self, clip: int, slot: int, last: int, end: int) -> Iterator[str]:
        seen: tuple[int, int] | None = None
        while (clip, slot) <= (last, end):
            row = self._rows[clip]
            if slot >= len(row["picture"]):
                if clip == last:
                    return
                clip, slot = clip + 1, 0
                continue
            if (clip, row["picture"][slot]) != seen and (text := self._text(clip, slot)) is not None:
                yield text
            seen = (clip, row["picture"][slot])
            slot += 1

    def _text(self, clip: int, slot: int) -> str | None:
        row = self._rows[clip]
        picture = row["picture"][min(slot, len(row["picture"]) - 1)]
        texts: list[str] = row["screen_text"]
        return texts[picture] if picture < len(texts) else None
