"""Checks what a person's session promises: consent that names them, pauses that keep nothing, hiding that hides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.recording.gate import Gate
from collector.sessions.problem import Problem
from manifests.consent import read_consent
from manifests.errors import GoaltraceError
from manifests.session import Action, Event, Frame, SessionFolder, SessionManifest

_RESTORE = "restore consent.json, or delete the session: without consent it must not be used"
_TRIM = "do not share it: trim it with goaltrace view, or delete it"


def consent_problems(folder: SessionFolder, manifest: SessionManifest) -> Iterator[Problem]:
    """A person's session names its consent in three places, which must agree: `forget` goes by them."""
    kind, _, pseudonym = manifest.actor.partition(":")
    if kind != "human":
        return
    try:
        consent = read_consent(folder.consent_path).consent_id
    except GoaltraceError as error:
        problem = str(error).removeprefix(f"{folder.consent_path}: ")
        yield Problem("consent.json", problem, "nothing shows that the person agreed", _RESTORE)
        return
    for where, named in (("consent_id", manifest.consent_id), ("actor", pseudonym or consent)):
        if named != consent:
            what = f"{where} is {named!r}, consent.json says {consent!r}"
            yield Problem("session.json", what, "forgetting one of them would miss this session", _RESTORE)


def event_problems(events: Sequence[Event]) -> Iterator[Problem]:
    """Ends without a beginning, and times that run backwards. A beginning without an end is fine: it ended there.

    Sleep and stop have other sources, and may be written a little before an earlier pause is.
    """
    open_now: set[tuple[str, str]] = set()
    begins = {"resume": "pause", "show": "hide"}
    last = 0
    for number, event in enumerate(events, start=1):
        if event.kind in ("sleep", "stop"):
            continue
        if event.t_ns < last:
            what = f"line {number}: earlier than the line before"
            yield Problem("events.jsonl", what, "what was paused or hidden is not certain", _TRIM)
            return
        last = event.t_ns
        reason = event.reason if event.kind in ("hide", "show") else ""
        if event.kind in ("pause", "hide"):
            open_now.add((event.kind, reason))
        elif event.kind in begins:
            begin = (begins[event.kind], reason)
            if begin not in open_now:
                what = f"line {number}: {event.kind} without {begin[0]}"
                yield Problem("events.jsonl", what, "what was paused or hidden is not certain", _TRIM)
                return
            open_now.remove(begin)


def leaks(events: Sequence[Event], frames: Sequence[Frame], actions: Sequence[Action]) -> Iterator[Problem]:
    """Frames and inputs of a person that a pause or "hide this" should have kept out."""
    if not events:
        return
    gate = _replayed(events)
    for frame in frames:
        view = gate.view(frame.t0_ns, frame.t1_ns)
        if view == "paused" or (view == "hidden" and not frame.redacted):
            what = f"frame {frame.index} was taken while the session was {view}"
            yield Problem("frames.jsonl", what, "it may show what was not to be recorded", _TRIM)
            break
    for action in actions:
        view = gate.view(action.t_ns, action.t_ns)
        if view == "paused" or (view == "hidden" and _says_something(action)):
            what = f"seq {action.seq} was logged while the session was {view}"
            yield Problem("actions.jsonl", what, "it may reveal what was not to be recorded", _TRIM)
            break


def _says_something(action: Action) -> bool:
    fields = (action.x, action.y, action.button, action.key, action.keysym, action.char)
    return any(value is not None for value in fields)


def _replayed(events: Sequence[Event]) -> Gate:
    gate = Gate(lambda _: None)
    for event in events:
        match event.kind:
            case "pause":
                gate.pause(event.t_ns, event.reason)
            case "resume":
                gate.resume(event.t_ns, event.reason)
            case "hide":
                gate.hide(event.t_ns, event.reason)
            case "show":
                gate.show(event.t_ns, event.reason)
    return gate
