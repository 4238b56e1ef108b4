"""Makes rows of a log into input events, each at its time: a flag that rises is a press, one that falls its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from collector.importers.neuralcomputer.log import LogRow
from manifests.session import Action


def actions_of(log: Sequence[LogRow], pointer: Sequence[LogRow] | None) -> list[Action]:
    """The input events of a session in order of time.

    Args:
        log: a row a frame (random), or a row before and after each action (agent).
        pointer: where the pointer was (agent); None: the log's own places.

    An agent's log writes 0, 0 for "no place": its events then have none.
    """
    found = [*_moves(log if pointer is None else pointer), *_buttons(log, pointer is None), *_keys(log)]
    found.sort(key=lambda event: event["t_ns"])  # stable: within a row the pointer moves, then buttons, then keys
    return [Action(seq=number, **event) for number, event in enumerate(found)]


def _moves(rows: Sequence[LogRow]) -> Iterator[dict[str, Any]]:
    last: tuple[int, int] | None = None
    for row in rows:
        if (row.x, row.y) != last:
            last = (row.x, row.y)
            yield {"t_ns": row.t_ns, "kind": "move", "x": row.x, "y": row.y}


def _buttons(rows: Sequence[LogRow], placed: bool) -> Iterator[dict[str, Any]]:
    held = {"left": False, "right": False}
    for row in rows:
        place = {"x": row.x, "y": row.y} if placed or (row.x, row.y) != (0, 0) else {}
        for button, down in (("left", row.left), ("right", row.right)):
            if down != held[button]:
                held[button] = down
                yield {"t_ns": row.t_ns, "kind": "button_down" if down else "button_up", "button": button, **place}


def _keys(rows: Sequence[LogRow]) -> Iterator[dict[str, Any]]:
    """A key that is pressed again while it is held is repeated by the system, as the recorders have it."""
    held = set[str]()
    for row in rows:
        for key in row.keys:
            kind = "key_down" if key.down else "key_up"
            again = {"repeat": True} if key.down and key.key in held else {}
            (held.add if key.down else held.discard)(key.key)
            yield {"t_ns": row.t_ns, "kind": kind, "key": key.key, "char": key.char, **again}
