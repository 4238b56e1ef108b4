"""What a gate lets through, at any time, whatever happens in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.recording.gate import Gate
from manifests.session import Event

changes = st.lists(
    st.tuples(st.integers(1, 50), st.sampled_from(["pause", "resume", "hide", "show"]), st.sampled_from("ab")),
    max_size=30,
)


def gate_of(script: list[tuple[int, str, str]]) -> tuple[Gate, list[Event], list[str]]:
    """The gate after `script`, its events, and the view at each ns as a plain reading of the script gives it."""
    events: list[Event] = []
    gate = Gate(events.append)
    views: list[str] = []
    t_ns, paused, hidden = 0, False, set()
    for step, do, reason in script:
        view = "paused" if paused else "hidden" if hidden else "open"
        views += [view] * step
        t_ns += step
        if do == "pause":
            gate.pause(t_ns, reason)
            paused = True
        elif do == "resume":
            gate.resume(t_ns, reason)
            paused = False
        elif do == "hide":
            gate.hide(t_ns, reason)
            hidden.add(reason)
        else:
            gate.show(t_ns, reason)
            hidden.discard(reason)
    views += ["paused" if paused else "hidden" if hidden else "open"] * 10
    return gate, events, views


@given(changes, st.data())
def test_the_strictest_view_of_an_interval_decides(script: list[tuple[int, str, str]], data: st.DataObject) -> None:
    gate, _, views = gate_of(script)
    t0 = data.draw(st.integers(0, len(views) - 1))
    t1 = data.draw(st.integers(t0, len(views) - 1))
    seen = set(views[t0 : t1 + 1])
    assert gate.view(t0, t1) == ("paused" if "paused" in seen else "hidden" if "hidden" in seen else "open")


@given(changes)
def test_every_change_is_an_event_and_no_event_is_none(script: list[tuple[int, str, str]]) -> None:
    _, events, _ = gate_of(script)
    assert [e.t_ns for e in events] == sorted(e.t_ns for e in events)
    pauses = [e.kind for e in events if e.kind in ("pause", "resume")]
    assert pauses == ["pause", "resume"] * (len(pauses) // 2) + ["pause"] * (len(pauses) % 2)


def test_a_report_that_comes_late_never_turns_time_back() -> None:
    events: list[Event] = []
    gate = Gate(events.append)
    gate.pause(100, "hotkey")
    gate.hide(80, "password field")
    gate.resume(120, "hotkey")
    assert [e.t_ns for e in events] == [100, 100, 120]
    assert gate.view(119, 119) == "paused"
    assert gate.view(120, 130) == "hidden"
