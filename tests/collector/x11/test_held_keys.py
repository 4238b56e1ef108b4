"""A held key is one press and one release; what the system repeats is marked, typed, and never counted as an action."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from Xlib import X
from Xlib import display as xdisplay

from collector.packing.desktop_captions import desktop_captions
from collector.packing.rows import _action
from collector.recording.session import reconcile
from curation.scores.activity import activity
from manifests.session import Action, Intent
from tests.collector.x11.keyboards import ALT_GR, SHIFT, Entry, Typist, layout
from tests.collector.x11.test_typed_text import Log, text

pytestmark = pytest.mark.needs("xvfb", "setxkbmap", "text-entry")
HELD_S = 1.5


@pytest.fixture
def repeating(xserver: str) -> Typist:
    """A keyboard as every server has it at first: a held key is repeated."""
    typist = Typist(xserver)
    repeat(typist)
    return typist


def repeat(typist: Typist) -> None:
    typist.display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOn)
    typist.display.sync()


def hold(typist: Typist, keycode: int, seconds: float = HELD_S) -> None:
    repeat(typist)  # what wakes callbacks switches it off
    typist.send(X.KeyPress, keycode)
    time.sleep(seconds)
    typist.send(X.KeyRelease, keycode)


@pytest.mark.parametrize("inputs", ["xserver", "callback"])
def test_a_held_key_is_one_press_and_one_release(xserver: str, tmp_path: Path, repeating: Typist, inputs: str) -> None:
    with Entry(xserver) as entry:
        log = Log(tmp_path / "s", xserver, inputs)
        hold(repeating, 38)
        received = entry.after(38)
        actions = log.end()
    assert len(received) > 5
    counted = Counter(action.kind for action in actions if not action.repeat)
    assert counted == {"key_down": 1, "key_up": 1}
    assert sum(bool(action.repeat) for action in actions) == len(received) - 1, "the others are marked"
    assert text(actions) == received, "and say what they type"
    rows = [_action(action, 0, False) for action in actions]
    figures = activity({"actions": rows, "duration_ns": 10**9, "kind": "terminal"})
    assert (figures["actions_per_s"], figures["key_share"]) == (1.0, 1.0)
    caption = desktop_captions(log.recording.manifest, [], rows, (0, 10**18))["caption_detailed"]
    assert caption == f"Types “{received}”."


def test_what_is_repeated_keeps_its_name_and_types_by_what_is_held_now(
    xserver: str, tmp_path: Path, repeating: Typist
) -> None:
    """Shift goes down while a key repeats: capitals are typed, by the key that was pressed small."""
    with Entry(xserver) as entry:
        log = Log(tmp_path / "s", xserver)
        repeating.send(X.KeyPress, 38)
        time.sleep(0.9)
        repeating.send(X.KeyPress, SHIFT)
        repeating.send(X.KeyPress, 39)
        time.sleep(0.9)
        repeating.send(X.KeyRelease, SHIFT)
        repeating.send(X.KeyRelease, 39)
        repeating.send(X.KeyRelease, 38)
        received = entry.after(38)
        actions = log.end()
    assert "a" in received and "S" in received
    assert text(actions) == received
    presses = [action for action in actions if action.kind == "key_down" and not action.repeat]
    assert [action.key for action in presses] == ["a", "Shift_L", "S"]
    assert [action.key for action in actions if action.kind == "key_up"] == ["Shift_L", "S", "a"]


def test_a_held_accent_types_what_a_text_entry_receives(xserver: str, tmp_path: Path, repeating: Typist) -> None:
    with layout(xserver, "de"), Entry(xserver) as entry:
        repeating.tap(ALT_GR)
        log = Log(tmp_path / "s", xserver)
        hold(repeating, 21)
        repeating.tap(26)
        received = entry.after(26)
        actions = log.end()
    assert text(actions) == received


def test_hands_that_hold_a_key_on_a_server_that_repeats_reconcile(xserver: str, tmp_path: Path) -> None:
    """Something else on the screen may switch the repetition on again."""
    from collector.agents.desktop.hands import Hands

    log, hands = Log(tmp_path / "s", xserver), Hands(random.Random(1))
    with closing(xdisplay.Display(xserver)) as display:
        display.change_keyboard_control(auto_repeat_mode=X.AutoRepeatModeOn)
        display.sync()
        hands.tap("Down", 1.2)
        actions = log.end()
    assert any(action.repeat for action in actions)
    intent = Intent(seq=0, t_ns=0, t_end_ns=1, verb="key", sent=hands.take_sent())
    assert reconcile(actions, [intent]) == []


def test_a_hidden_key_that_is_held_is_one_hidden_key() -> None:
    hidden = [Action(seq=n, t_ns=n, kind="key_down", redacted=True, repeat=n > 0 or None) for n in range(20)]
    rows = [_action(action, 0, False) for action in hidden]
    assert activity({"actions": rows, "duration_ns": 10**9, "kind": "terminal"})["actions_per_s"] == 1.0
