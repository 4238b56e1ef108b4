"""Redacts secrets in what a person typed, when the recording ends: their keys keep their times and nothing else.

A password field is recognised while it has the focus. A token in an editor, a card number or the answer to `sudo` is
not; its keys are taken out here, before the session is complete. The pictures cannot be searched, so the session says
which kinds of secret they may show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from manifests.files import replacing
from manifests.secrets import KeyPress, KnownSecrets, is_held, named_with, typed_secrets
from manifests.session import Action, SessionFolder

_SHIFTS = ("Shift_L", "Shift_R", "Caps_Lock", "ISO_Level3_Shift", "BackSpace", "Delete", "Left", "Right")
_ENDS = "Linefeed"


def redact_typed(folder: SessionFolder, listed: Iterable[str] = ()) -> dict[str, int]:
    """Redact every key of a secret in actions.jsonl; how many secrets of each kind there were."""
    known = KnownSecrets()
    known.add_listed(listed)
    actions = folder.actions()
    found = dict[int, str]()
    for kind, place in typed_secrets(_keys(actions), known):
        found.setdefault(place, kind)
    if not found:
        return {}
    hidden = _with_what_belongs_to_them(actions, found)
    with replacing(folder.actions_path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        for number, action in enumerate(actions):
            out.write((redacted(action) if number in hidden else action).model_dump_json(exclude_none=True) + "\n")
    return _counts(actions, found)


def redacted(action: Action) -> Action:
    """The action redacted: with its time, and nothing of what it was."""
    return Action(seq=action.seq, t_ns=action.t_ns, kind=action.kind, redacted=True, repeat=action.repeat)


def _keys(actions: Sequence[Action]) -> Iterator[KeyPress[int]]:
    """Presses as keys with their modifiers; a click ends a line, since it puts the caret anywhere."""
    held = set[str]()
    for number, action in enumerate(actions):
        key = action.key
        if action.kind == "button_down":
            yield KeyPress(_ENDS, "", number)
        elif key is not None and is_held(key):
            (held.add if action.kind == "key_down" else held.discard)(key)
        elif action.kind in ("key_down", "key") and key is not None:
            yield KeyPress(*named_with(key, action.char or "", held), number)


def _with_what_belongs_to_them(actions: Sequence[Action], found: Iterable[int]) -> set[int]:
    """The presses found, their releases, and what between two of them would reveal them: Shift, corrections."""
    hidden, down = set(found), dict[str, bool]()
    between: list[int] = []
    inside = False
    for number, action in enumerate(actions):
        key = action.key
        if key is None or action.kind not in ("key_down", "key_up", "key"):
            continue
        if number in hidden:
            if inside:
                hidden.update(between)
            inside, between = True, []
            down[key] = True
        elif action.kind == "key_up" and down.pop(key, False):
            hidden.add(number)
        elif key in _SHIFTS:
            between.append(number)
        elif action.kind != "key_up":
            inside, between = False, []
    return hidden


def _counts(actions: Sequence[Action], found: dict[int, str]) -> dict[str, int]:
    """Secrets by kind: presses of one kind with no other press between them are one."""
    counts: Counter[str] = Counter()
    before: str | None = None
    for number, action in enumerate(actions):
        if action.kind in ("key_down", "key") and action.key not in _SHIFTS:
            kind = found.get(number)
            if kind is not None and kind != before:
                counts[kind] += 1
            before = kind
    return dict(counts)
