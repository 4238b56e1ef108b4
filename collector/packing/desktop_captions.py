"""Captions of a desktop's clip: the sub-goals that were worked on, and in detail what was done.

What was done comes from the actions that the X server saw; an intent only adds what was clicked. Controls have no
goals and no targets, so their captions name actions alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from collector.packing.text_columns import Captions
from manifests.clip import ClipAction
from manifests.session import Intent, SessionManifest

_MODIFIERS = dict.fromkeys(("Shift_L", "Shift_R", "ISO_Level3_Shift", "ISO_Level5_Shift", "Mode_switch"), "") | {
    f"{name}_{side}": {"Control": "Ctrl"}.get(name, name)
    for name in ("Control", "Alt", "Super", "Meta")
    for side in "LR"
}
_BEGINNINGS = ("dead_", "Multi_key")
_MOST = 12


def desktop_captions(
    manifest: SessionManifest,
    intents: Sequence[Intent],
    actions: Sequence[ClipAction],
    span: tuple[int, int],
    held: Sequence[str] = (),
) -> Captions:
    """The three caption columns of a desktop clip.

    Args:
        intents: of the session.
        actions: the clip's own rows, in order.
        span: the clip's time, ends included.
        held: the keys that are down when the clip begins.
    """
    here = [] if manifest.control else [i for i in intents if i.t_ns <= span[1] and i.t_end_ns >= span[0]]
    goals = ". ".join(dict.fromkeys(intent.goal for intent in here if intent.goal))
    goals = goals or ("" if manifest.control else manifest.goal)
    done = [phrase for phrase, _ in groupby(_done(actions, here, held))]
    more = [f"and {len(done) - _MOST} more"] if len(done) > _MOST else []
    in_words = "; ".join([*done[:_MOST], *more])
    detailed = in_words[:1].upper() + in_words[1:] + "." if in_words else "Nothing is pressed or typed."
    return {"caption_short": goals, "caption": goals, "caption_detailed": detailed}


def _done(actions: Sequence[ClipAction], intents: Sequence[Intent], down_before: Sequence[str]) -> Iterator[str]:
    held = {key: None for key in down_before if key in _MODIFIERS}
    typed, hidden = "", 0
    down: dict[str | None, ClipAction] = {}
    for action in actions:
        kind, key = action["kind"], action["key"]
        if kind in ("move", "resize", "marker"):
            continue
        if kind == "key_up":
            held.pop(key or "", None)
            continue
        if action["redacted"]:
            held.clear()
            if typed:
                yield _typed(typed)
            typed, hidden = "", hidden + (kind == "key_down" and not action.get("repeat"))
            continue
        if kind in ("key_down", "key") and key in _MODIFIERS:
            held[key] = None
            continue
        if not action["char"] and (key or "").startswith(_BEGINNINGS):
            continue  # an accent that waits for its letter; what comes of it is the letter's text
        chord = [name for name in dict.fromkeys(_MODIFIERS[k] for k in held) if name]
        char = action["char"] or ""
        if kind in ("key_down", "key") and not chord and char and char.isprintable():
            if hidden:
                yield _hidden(hidden)
            typed, hidden = typed + char, 0
            continue
        if hidden:
            yield _hidden(hidden)
        if typed:
            yield _typed(typed)
        typed, hidden = "", 0
        if kind in ("key_down", "key"):
            name = key or "a key"
            yield f"presses {'+'.join([*chord, name.upper() if chord and len(name) == 1 else name])}"
        elif kind == "button_down":
            down[action["button"]] = action
        elif kind == "button_up":
            yield _click(action, down.pop(action["button"], None), intents)
        elif kind == "scroll":
            yield _scroll(action)
    if hidden:
        yield _hidden(hidden)
    if typed:
        yield _typed(typed)


def _typed(text: str) -> str:
    return f"types “{text if len(text) <= 200 else text[:199] + '…'}”"


def _hidden(keys: int) -> str:
    return f"types something hidden ({keys} key{'' if keys == 1 else 's'})"


def _click(up: ClipAction, press: ClipAction | None, intents: Sequence[Intent]) -> str:
    which = "" if up["button"] in ("left", None) else f"{up['button']}-"
    begin = press or up
    moved = press is not None and _far(press, up)
    verb = f"{which}drags from" if moved else f"{which}clicks"
    target = _target(begin, intents)
    if moved:
        return f"{verb} {target or _place(begin)} to {_place(up)}"
    return f"{verb} {target}" if target else f"{verb} at {_place(begin)}"


def _target(action: ClipAction, intents: Sequence[Intent]) -> str | None:
    """What the actor aimed at with a press."""
    for intent in intents:
        if intent.verb in ("click", "drag") and intent.target and intent.t_ns <= action["t_ns"] <= intent.t_end_ns:
            role, name = intent.target.get("role"), intent.target.get("name")
            if role:
                return f"the {role} “{name}”" if name else f"the {role}"
            for kind in ("window", "css"):
                if intent.target.get(kind):
                    return f"the {'window' if kind == 'window' else 'element'} “{intent.target[kind]}”"
    return None


def _scroll(action: ClipAction) -> str:
    dx, dy = action["dx"] or 0, action["dy"] or 0
    way = ("up" if dy > 0 else "down") if dy else ("right" if dx > 0 else "left")
    return f"scrolls {way}"


def _far(a: ClipAction, b: ClipAction) -> bool:
    if a["x"] is None or a["y"] is None or b["x"] is None or b["y"] is None:
        return False
    return abs(a["x"] - b["x"]) > 4 or abs(a["y"] - b["y"]) > 4


def _place(action: ClipAction) -> str:
    return "an unknown place" if action["x"] is None else f"({action['x']}, {action['y']})"
