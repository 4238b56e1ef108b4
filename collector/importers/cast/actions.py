"""Input events of a cast as actions: one a key, named as the recorder names it."""

from __future__ import annotations

from collections.abc import Iterator

from collector.importers.cast.key_names import is_answer, name_of
from collector.importers.cast.typed import keys
from collector.terminal.cast import CastEvent
from manifests.secrets import MASK, WIDE_MASK
from manifests.session import Action


def actions_of(event: CastEvent, first: int, masked: bool) -> Iterator[Action]:
    """The actions of one event, numbered from `first`; a masked key keeps its time and loses what it was.

    What the terminal sent by itself (answers to a program's questions) is nobody's action.
    """
    t_ns = event.t_ns
    if event.code == "i":
        pressed = (key for _, key in keys(event.data) if not is_answer(key))
        for number, key in enumerate(pressed, start=first):
            if masked and key in (MASK, WIDE_MASK):
                yield Action(seq=number, t_ns=t_ns, kind="key", redacted=True)
            else:
                yield Action(seq=number, t_ns=t_ns, kind="key", key=name_of(key), char=key)
    elif event.code == "r":
        columns, _, rows = event.data.partition("x")
        yield Action(seq=first, t_ns=t_ns, kind="resize", dx=int(columns), dy=int(rows), char=event.data)
    elif event.code == "m":
        yield Action(seq=first, t_ns=t_ns, kind="marker", char=event.data)
