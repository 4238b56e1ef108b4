"""What a text entry on the same X server receives is what the log says, on any layout."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from collector.packing.desktop_captions import desktop_captions
from collector.recording.session import Recording
from manifests.session import Action
from tests.collector.desktop.fingers import Fingers
from tests.collector.desktop.test_callback_input import open_recording, wake
from tests.collector.x11.keyboards import (
    ALT_GR,
    CAPS,
    CONTROL,
    KEYPAD,
    MAIN,
    NUM,
    SHIFT,
    Entry,
    Typist,
    all_ways,
    layout,
    set_layout,
    settle,
)  # fmt: skip
from tests.depth import turn

pytestmark = pytest.mark.needs("xvfb", "setxkbmap", "text-entry")
LAYOUTS = ["us", "de", "fr", "cz", "br", "us,ru", "us,gr"]
LETTERS = (26, 30, 31, 32, 38, 39, 54, 57)
"""e u i o a s c n"""
_DEAD = range(0xFE50, 0xFE94)

# Where the entry, a GTK 3, differs from other programs on newer systems (Debian 13: GTK 3.24.49):
NOT_IN_GTK = ("‰",)
"""Characters whose keysym it does not know: nothing is written."""
STROKE_ALONE = " \u0335"
"""A stroke that fits no letter is written as a combining one on a space; the log says the letter alone."""


class Log:
    """An input log of one display and its recording."""

    def __init__(self, path: Path, display: str, inputs: str = "xserver") -> None:
        from collector.desktop.callback_input import CallbackInput
        from collector.desktop.input_log import InputLog

        self.recording: Recording = open_recording(path)
        self._log: Any = (InputLog if inputs == "xserver" else CallbackInput)(self.recording, display)
        self._display = display
        self._log.start()
        self._before = 0
        if inputs == "callback":
            wake(Fingers(display), self.recording)
            settle()
            self._before = len(self.recording.folder.actions())

    def end(self) -> list[Action]:
        self._log.stop()
        fingers = Fingers(self._display)  # a pynput listener sees only at its next event that it was stopped
        fingers.move(1, 1)
        fingers.tap("Shift_L")
        assert self._log.problems == []
        self.recording.end("unverified", "")
        return self.recording.folder.actions()[self._before :]


def presses(actions: Sequence[Action]) -> list[Action]:
    """Key presses but those of modifiers."""
    down = [action for action in actions if action.kind == "key_down"]
    return [a for a in down if not (0xFFE1 <= (a.keysym or 0) <= 0xFFEE or a.keysym in (0xFE03, 0xFE11, 0xFF7F))]


def text(actions: Sequence[Action]) -> str:
    return "".join(action.char or "" for action in actions if action.kind == "key_down")


@pytest.fixture
def typist(xserver: str) -> Iterator[Typist]:
    typist = Typist(xserver)
    yield typist
    typist.switch(0)


@pytest.mark.parametrize(("name", "inputs"), turn([*((name, "xserver") for name in LAYOUTS), ("de", "callback")]))
def test_the_log_says_of_every_key_what_a_text_entry_receives(
    xserver: str, tmp_path: Path, typist: Typist, name: str, inputs: str
) -> None:
    """Every key of the keyboard with Shift, AltGr, Caps Lock, Num Lock, in every group."""
    with layout(xserver, name), Entry(xserver) as entry:
        typist.tap(SHIFT)
        log, received = Log(tmp_path / "s", xserver, inputs), []
        groups = max(len(key.rows) for key in typist.xkb.keymap().keys.values())
        assert groups == name.count(",") + 1
        for group, lock, held in all_ways(groups):
            typist.switch(group)
            if lock:
                typist.tap(lock)
            for keycode in MAIN + KEYPAD:
                typist.tap(keycode, *held)
                received.append((group, lock, held, keycode, entry.after(keycode)))
                if typist_waits(typist, keycode, held, lock, group):
                    typist.tap(65)  # a space ends what a dead key began
                    received.append((group, lock, held, 65, entry.after(65)))
            if lock:
                typist.tap(lock)
        logged = presses(log.end())
    assert len(logged) == len(received)
    wrong = [
        f"{way}: the entry received {way[-1]!r}, the log says {action.key} {action.char!r}"
        for way, action in zip(received, logged, strict=True)
        if way[-1] != (action.char or "") and not (way[-1] == "" and action.char in NOT_IN_GTK)
    ]
    assert wrong == []
    assert len({action.char for action in logged}) > 90


def typist_waits(typist: Typist, keycode: int, held: Sequence[int], lock: int | None, group: int) -> bool:
    """Whether this key is a dead one in this state, by the server's own table."""
    bits = {SHIFT: 1, ALT_GR: 128, CAPS: 2, NUM: 16}
    modifiers = sum(bits[key] for key in [*held, *([lock] if lock else [])])
    return typist.xkb.keymap().look_up(keycode, modifiers, group)[0] in _DEAD


@pytest.mark.parametrize("name", turn(["de", "fr", "cz", "br", "us,gr", "us -variant intl"]))
def test_every_accent_goes_on_the_letters_that_it_goes_on_in_a_text_entry(
    xserver: str, tmp_path: Path, typist: Typist, name: str
) -> None:
    """The letter that completes the sequence has the text, the dead key has none; accents on nothing stand alone."""
    with layout(xserver, *name.split()), Entry(xserver) as entry:
        typist.tap(SHIFT)
        keymap = typist.xkb.keymap()
        groups = max(len(key.rows) for key in keymap.keys.values())
        received, log = [], Log(tmp_path / "s", xserver)
        for group in range(groups):
            typist.switch(group)
            ways = [(code, held) for held in ((), (SHIFT,), (ALT_GR,), (ALT_GR, SHIFT)) for code in MAIN]
            dead = [way for way in ways if typist_waits(typist, *way, None, group)]
            letters = [(code, held) for code in LETTERS for held in ((), (SHIFT,))] + [(65, ())]
            for accent in dead:
                for letter in letters:
                    for keycode, held in (accent, letter):
                        typist.tap(keycode, *held)
                        received.append(entry.after(keycode))
        logged = presses(log.end())
    assert len(received) > 100
    assert [action.char or "" for action in logged] == [text.replace(STROKE_ALONE, "") for text in received]
    accents = [action for action in logged if (action.keysym or 0) in _DEAD]
    assert accents and not any(action.char for action in accents)


@pytest.mark.parametrize("inputs", ["xserver", "callback"])
def test_what_was_typed_is_what_is_logged_and_told(xserver: str, tmp_path: Path, typist: Typist, inputs: str) -> None:
    """On a German keyboard, then a Russian one; a Greek and a French one are put in while the recording runs."""

    def change_to(name: str) -> None:
        if inputs == "callback":
            settle()  # a callback comes some time after its event, and may find the next keyboard
        set_layout(xserver, name)

    log = Log(tmp_path / "s", xserver, inputs)
    with layout(xserver, "de"):
        for keycode, held in ((24, (ALT_GR,)), (26, (ALT_GR,)), (16, (ALT_GR,)), (34, ())):  # @ € { ü
            typist.tap(keycode, *held)
        typist.tap(CAPS)
        for keycode in (38, 10, 61, 20):  # a 1 - ß
            typist.tap(keycode)
        typist.tap(CAPS)
        typist.tap(39, ALT_GR, SHIFT)
        typist.tap(21), typist.tap(26)  # a dead acute and an e
        change_to("us,ru")
        typist.tap(40)
        typist.switch(1)
        typist.tap(40), typist.tap(34)
        typist.switch(0)
        typist.tap(NUM)
        typist.tap(83), typist.tap(88)
        typist.tap(NUM)
        typist.tap(83)
        change_to("fr")
        typist.tap(24), typist.tap(11)
        change_to("us")
        typist.tap(24), typist.tap(39, CONTROL)
        actions = log.end()
    assert text(actions) == "@€{üA1-ẞẞédвх42aéq"
    named = {action.key for action in actions}
    assert {"KP_4", "KP_Left", "dead_acute", "é", "в"} <= named
    rows = [action.model_dump() for action in actions]
    caption = desktop_captions(log.recording.manifest, [], rows, (0, 10**18))["caption_detailed"]
    assert (
        "ypes “@€{ü”" in caption
        and "types “ẞédвх”" in caption
        and "types “42”" in caption
        and "presses Ctrl+S" in caption
    )
    assert "dead" not in caption


def test_a_compose_key_puts_characters_together(xserver: str, tmp_path: Path, typist: Typist) -> None:
    with layout(xserver, "us", "-option", "compose:ralt"), Entry(xserver) as entry:
        typist.tap(SHIFT)
        log, received = Log(tmp_path / "s", xserver), []
        for keycode, *held in (
            (ALT_GR,),
            (38,),
            (26,),
            (ALT_GR,),
            (32,),
            (54,),
            (ALT_GR,),
            (26,),
            (21,),
            (38,),
        ):  # ae oc e= a
            typist.tap(keycode, *held)
            received.append(entry.after(keycode))
        logged = [action for action in log.end() if action.kind == "key_down"]
    assert [action.char or "" for action in logged] == received
    assert text(logged) == "æ©€a"


def test_a_release_has_the_name_of_its_press_whatever_was_held_meanwhile(
    xserver: str, tmp_path: Path, typist: Typist
) -> None:
    from Xlib import X

    log = Log(tmp_path / "s", xserver)
    typist.send(X.KeyPress, SHIFT)
    typist.send(X.KeyPress, 38)
    typist.send(X.KeyRelease, SHIFT)
    typist.send(X.KeyRelease, 38)
    seen = [(action.kind, action.key) for action in log.end()]
    assert seen == [("key_down", "Shift_L"), ("key_down", "A"), ("key_up", "Shift_L"), ("key_up", "A")]


@pytest.mark.parametrize("name", turn([*LAYOUTS, "de -variant neo", "ca -variant multix"]))
def test_hands_type_every_character_that_the_layout_has(
    xserver: str, tmp_path: Path, typist: Typist, name: str
) -> None:
    """By levels, groups and dead keys; the entry receives it and the log says it."""
    from collector.agents.desktop.hands import Hands
    from collector.x11.keyboard import meaning
    from collector.x11.xkbcommon import keysym_text

    with layout(xserver, *name.split()), Entry(xserver) as entry:
        hands = Hands(random.Random(1))
        keymap = typist.xkb.keymap()
        groups = range(max(len(key.rows) for key in keymap.keys.values()))
        levels = (0, 1, 128, 129, 32, 33, 160)  # Shift, level 3 (Mod5), level 5 (Mod3 where there is one)
        found = {
            keysym_text(meaning(keymap, code, modifiers, group))
            for group in groups for code in MAIN for modifiers in levels
        }  # fmt: skip
        wanted = sorted(char for char in found if char and char not in NOT_IN_GTK)
        if name in ("de", "fr", "br", "cz"):
            wanted += list("áêàöÁÊ")
        log = Log(tmp_path / "s", xserver)
        for char in wanted:
            hands.tap(char, 0.001)
        hands.tap("F9", 0.001)
        received = entry.after(75)
        sent = hands.take_sent()
        actions = log.end()
    assert received == "".join(wanted)
    assert text(actions) == "".join(wanted)
    assert sent["key_down"] == sum(action.kind == "key_down" for action in actions)


def test_hands_type_small_letters_while_caps_lock_is_on(xserver: str, tmp_path: Path, typist: Typist) -> None:
    from collector.agents.desktop.hands import Hands

    log, hands = Log(tmp_path / "s", xserver), Hands(random.Random(1))
    typist.tap(CAPS)
    for char in "aB1!":
        hands.tap(char, 0.001)
    hands.shortcut("ctrl+s")
    typist.tap(CAPS)
    actions = log.end()
    assert text(actions) == "aB1!"
    assert [a.key for a in actions if a.kind == "key_down"][-3:-1] == ["Control_L", "S"], "and no Shift for a shortcut"


@pytest.mark.parametrize("inputs", ["xserver", "callback"])
@pytest.mark.parametrize(
    ("name", "group", "keycode"),
    [("us", 0, 33), ("us,ru", 1, 33), ("ru", 0, 33), ("gr", 0, 33), ("fr", 0, 33), ("us -variant dvorak", 0, 27)],
)
def test_the_hotkey_is_found_on_any_layout(
    xserver: str, typist: Typist, tmp_path: Path, name: str, group: int, keycode: int, inputs: str
) -> None:
    from collector.human.screens import find_screen
    from collector.recording.hotkey import Hotkey

    received: list[Action] = []
    with layout(xserver, *name.split()):
        typist.tap(SHIFT)
        typist.switch(group)
        assert find_screen(xserver, inputs, Hotkey("ctrl+alt+p")).display == xserver
        log = Log(tmp_path / "s", xserver, inputs)
        log.recording.log = lambda *actions: received.extend(actions)  # type: ignore[method-assign]
        typist.tap(keycode, CONTROL, 64)
        typist.tap(38)
        log.end()
    hotkey = Hotkey("ctrl+alt+p")
    pressed = [hotkey.feed(a.kind, a.shortcut or a.key or "", a.t_ns) for a in received]
    assert pressed.count(True) == 1


def test_without_the_library_keys_are_still_known_and_the_session_says_what_is_not(
    xserver: str, tmp_path: Path, typist: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collector.desktop import input_log
    from collector.x11 import xkbcommon

    for module in (xkbcommon, input_log):
        monkeypatch.setattr(module, "library", lambda: None)
    xkbcommon.keysym_text.cache_clear()
    try:
        with layout(xserver, "de"):
            typist.tap(SHIFT)
            log = Log(tmp_path / "s", xserver)
            for keycode, held in ((24, (ALT_GR,)), (26, (ALT_GR,)), (34, ()), (34, (SHIFT,)), (21, ()), (26, ())):
                typist.tap(keycode, *held)
            actions = log.end()
    finally:
        xkbcommon.keysym_text.cache_clear()
    assert text(actions) == "@€üÜe"
    assert any("libxkbcommon" in note for note in log.recording.manifest.notes)
