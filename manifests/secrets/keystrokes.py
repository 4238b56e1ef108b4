"""Reconstructing typed lines from key presses, with corrections and pastes applied; each character keeps its origin.

A key is named as the recorder names it ("a", "BackSpace", "ctrl+u"); `char` is the text that it types. Any source of
keys can be read so: the input events of a cast, the actions of a session of a desktop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from manifests.secrets.detect import find
from manifests.secrets.known_secrets import KnownSecrets
from manifests.secrets.spans import MASK, WIDE_MASK

P = TypeVar("P")
_LIMIT = 16_384
_ENDS = ("Return", "KP_Enter", "ctrl+c", "ctrl+d", "Linefeed")


_HELD = {
    "ctrl": ("Control_L", "Control_R"),
    "alt": ("Alt_L", "Alt_R", "Meta_L", "Meta_R", "Super_L", "Super_R"),
}  # fmt: skip


def is_held(name: str | None) -> bool:
    """Whether a desktop key is a modifier such as Shift or Control."""
    return any(name in keys for keys in _HELD.values())


def named_with(name: str, char: str, held: set[str]) -> tuple[str, str]:
    """A desktop key as terminals name it ("ctrl+u"), and the text that it types: none while a modifier is in `held`."""
    for prefix, keys in _HELD.items():
        if held.intersection(keys):
            return f"{prefix}+{name.lower() if len(name) == 1 else name}", ""
    return name, char


class KeyPress(NamedTuple, Generic[P]):
    """A key that was pressed, or a whole text that was pasted (`char` of any length); `place` is the caller's."""

    name: str | None
    char: str
    place: P


class KeyedLine(NamedTuple, Generic[P]):
    """A line as its keys were sent, and as it was meant after corrections, each character with its place."""

    sent: str
    sent_places: list[P]
    meant: str
    meant_places: list[P]

    @property
    def masked(self) -> bool:
        return not self.meant.strip(MASK + WIDE_MASK + " ")


class LineEditor(Generic[P]):
    """Applies key presses to a line, as a line editor does: cursor keys, deletions, insertions."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, P]] = []
        self._line: list[tuple[str, P]] = []
        self._cursor = 0

    @property
    def begun(self) -> bool:
        """Whether anything of the line has been typed."""
        return bool(self._sent)

    def press(self, key: KeyPress[P]) -> KeyedLine[P] | None:
        """The line that this key ends, if it ends one."""
        done = None
        if key.name in _ENDS or len(self._sent) >= _LIMIT:
            done = self.end()
        if key.name not in _ENDS:
            self._edit(key)
        return done

    def end(self) -> KeyedLine[P]:
        """The line typed so far; the next one begins empty."""
        sent, meant = self._sent, self._line
        self._sent, self._line, self._cursor = [], [], 0
        return KeyedLine(*_split(sent), *_split(meant))

    def _edit(self, key: KeyPress[P]) -> None:
        name = key.name
        if name in ("BackSpace", "ctrl+h"):
            if self._cursor:
                self._cursor -= 1
                del self._line[self._cursor]
        elif name in ("Left", "ctrl+b", "KP_Left"):
            self._cursor = max(0, self._cursor - 1)
        elif name in ("Right", "ctrl+f", "KP_Right"):
            self._cursor = min(len(self._line), self._cursor + 1)
        elif name in ("Home", "ctrl+a", "KP_Home"):
            self._cursor = 0
        elif name in ("End", "ctrl+e", "KP_End"):
            self._cursor = len(self._line)
        elif name in ("Delete", "KP_Delete"):
            del self._line[self._cursor : self._cursor + 1]
        elif name == "ctrl+u":
            del self._line[: self._cursor]
            self._cursor = 0
        elif name == "ctrl+k":
            del self._line[self._cursor :]
        elif name in ("ctrl+w", "ctrl+BackSpace", "alt+BackSpace"):
            head = "".join(c for c, _ in self._line[: self._cursor]).rstrip(" ")
            start = head.rfind(" ") + 1
            del self._line[start : self._cursor]
            self._cursor = start
        else:
            typed = [(c, key.place) for c in key.char if c >= " " and c != "\x7f"]
            self._sent += typed
            self._line[self._cursor : self._cursor] = typed
            self._cursor += len(typed)


def _split(line: list[tuple[str, P]]) -> tuple[str, list[P]]:
    """The text of a line, and the place of each of its characters."""
    return "".join(c for c, _ in line), [place for _, place in line]


def typed_secrets(keys: Iterable[KeyPress[P]], known: KnownSecrets | None = None) -> Iterator[tuple[str, P]]:
    """The kind and the place of every key that is part of a secret in the line, as it was sent or as it was meant."""
    editor: LineEditor[P] = LineEditor()

    def found(line: KeyedLine[P]) -> Iterator[tuple[str, P]]:
        for text, places in ((line.sent, line.sent_places), (line.meant, line.meant_places)):
            for span in [*find(text), *(known.find(text) if known else ())]:
                for at in range(span.start, span.end):
                    yield span.kind, places[at]

    for key in keys:
        if (line := editor.press(key)) is not None:
            yield from found(line)
    yield from found(editor.end())
