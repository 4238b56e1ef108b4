"""Callbacks report the same events as the X server, with later times; the keys have the same names."""

from __future__ import annotations

import random
import statistics
import string
import time
from pathlib import Path

import pytest

from collector.recording.session import Recording
from collector.x11.key_names import DEAD_KEYS, KEYS, MAC_KEYS, char_keysym
from manifests.session import Action
from tests.collector.desktop.fingers import Fingers
from tests.waiting import PATIENCE_S

MS = 1_000_000


def open_recording(path: Path) -> Recording:
    from collector.episodes.spec import EpisodeSpec
    from manifests.task import find_task

    spec = EpisodeSpec.of(
        find_task("desktop-editor-note").instantiate(1), session_id="s", agent="scripted", fps=15, environment="docker"
    )
    return Recording(path, spec, clock="callback", width=640, height=480, cursor_in_pixels=True, versions={})


def act(fingers: Fingers, rng: random.Random) -> None:
    for _ in range(150):
        fingers.move(rng.randrange(640), rng.randrange(480))
        fingers.click(rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 9]))
        fingers.tap(rng.choice(string.ascii_letters + string.digits + string.punctuation + " "))
    for key in ("Return", "BackSpace", "Tab", "Escape", "Next", "Page_Up", "F5", "Caps_Lock", "Caps_Lock", "Delete"):
        fingers.tap(key)
    for chord in (("Control_L", "s"), ("Control_R", "Shift_R", "n"), ("Alt_L", "F4"), ("Super_L", "e")):
        fingers.chord(*chord)


def wake(fingers: Fingers, called: Recording) -> None:
    """pynput says that it listens a moment before it does: try until events of mouse and keyboard come."""
    until = time.monotonic() + PATIENCE_S
    while not {"move", "key_up"} <= {action.kind for action in called.folder.actions()}:
        assert time.monotonic() < until, "no callback comes"
        fingers.move(5, 5)
        fingers.move(0, 0)
        fingers.tap("F12")


def awake(log: list[Action]) -> list[Action]:
    """What came after the last of what `wake` did, which both logs have."""
    key = max(i for i, action in enumerate(log) if action.key == "F12")
    move = max(i for i, action in enumerate(log) if (action.kind, action.x, action.y) == ("move", 0, 0))
    return [action for i, action in enumerate(log) if i > (key if action.key else move)]


@pytest.fixture(scope="module")
def both(xserver: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Action], list[Action]]:
    """The same input as the X server logged it and as callbacks did, on one clock."""
    from collector.desktop.callback_input import CallbackInput
    from collector.desktop.input_log import InputLog

    rng = random.Random(3)
    exact, called = (open_recording(tmp_path_factory.mktemp(name) / "session") for name in ("exact", "called"))
    logs = [InputLog(exact, xserver), CallbackInput(called, xserver)]
    for log in logs:
        log.start()
    fingers = Fingers(xserver)
    wake(fingers, called)
    act(fingers, rng)
    for log in logs:
        log.stop()
        assert log.problems == []
    fingers.move(1, 1)  # a pynput listener sees only at its next event that it was stopped
    fingers.tap("Shift_L")
    shift = called.manifest.clock.origin_monotonic_ns - exact.manifest.clock.origin_monotonic_ns
    for recording in (exact, called):
        recording.end("unverified", "")
    moved = [action.model_copy(update={"t_ns": action.t_ns + shift}) for action in called.folder.actions()]
    return awake(exact.folder.actions()), awake(moved)


@pytest.mark.needs("xvfb")
def test_callbacks_tell_what_the_x_server_saw(both: tuple[list[Action], list[Action]]) -> None:
    """Same kinds, keys, characters and places; in the same order within mouse and within keyboard."""
    for kinds in ({"key_down", "key_up"}, {"move", "button_down", "button_up", "scroll"}):
        seen = [
            [(a.kind, a.key, a.keysym, a.char, a.button, a.dx, a.dy) + ((a.x, a.y) if not a.key else ()) for a in log]
            for log in ([a for a in log if a.kind in kinds] for log in both)
        ]
        assert len(seen[0]) > 50
        assert seen[1] == seen[0]


@pytest.mark.needs("xvfb")
def test_a_callback_is_later_than_its_event(
    both: tuple[list[Action], list[Action]], record_property: pytest.RecordProperty
) -> None:
    exact, called = ([a for a in log if a.kind.startswith("key")] for log in both)
    lags = sorted((c.t_ns - e.t_ns) / MS for e, c in zip(exact, called, strict=True))
    p50, p95 = statistics.median(lags), lags[len(lags) * 95 // 100]
    record_property("lag_ms", {"p50": p50, "p95": p95, "max": lags[-1]})
    print(f"callback lag of {len(lags)} keys: p50 {p50:.2f}, p95 {p95:.2f}, max {lags[-1]:.2f} ms")
    assert min(lags) > -1.1, "server times are whole milliseconds"
    assert lags[len(lags) // 2] < 20


@pytest.mark.needs("xvfb")
def test_times_never_run_backwards(both: tuple[list[Action], list[Action]]) -> None:
    times = [action.t_ns for action in both[1]]
    assert times == sorted(times)


@pytest.mark.parametrize("table", [KEYS, DEAD_KEYS])
def test_key_names_are_those_of_an_x_recording(table: dict[str, tuple[str, int]]) -> None:
    from collector.x11.keyboard import keysym_name

    for name, keysym in table.values():
        on_x = keysym_name(keysym).replace("XF86_", "XF86")  # python-xlib's spelling of X's own names
        assert on_x in (name, f"0x{keysym:x}"), "a hexadecimal number stands for a key without a name"


@pytest.mark.needs("xvfb")
def test_every_named_key_of_pynput_has_an_x_name(xserver: str) -> None:
    from pynput.keyboard import Key

    assert {key.name for key in Key} - set(KEYS) == set()


@pytest.mark.parametrize("char", ["a", "~", " ", "é", "€", "漢"])
def test_characters_have_the_keysyms_of_an_x_recording(char: str) -> None:
    from collector.x11.xkbcommon import keysym_text

    assert keysym_text(char_keysym(char)) == char


def test_no_key_of_a_mac_is_named_twice() -> None:
    assert sorted(MAC_KEYS.values()) == sorted("abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.mark.needs("xvfb")
@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_a_shortcut_is_named_by_its_letter_on_every_system(
    xserver: str, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows and macOS put the control character, or what Option makes, where the letter should be."""
    from pynput.keyboard import KeyCode

    from collector.desktop import callback_input

    monkeypatch.setattr(callback_input.sys, "platform", system)
    number = {"win32": 0x50, "darwin": 35}[system]
    assert callback_input.describe_key(KeyCode(vk=number, char="\x10"))[0] == "p"
    assert callback_input.describe_key(KeyCode(vk=number, char="p")) == ("p", 0x70, "p")
    if system == "darwin":
        assert callback_input.describe_key(KeyCode(vk=number, char="π")) == ("p", 0x70, "π")


@pytest.mark.needs("xvfb")
def test_where_nothing_but_callbacks_tell_accents_wait_for_their_letters(xserver: str) -> None:
    """Windows and macOS: what is composed is on the letter, and an accent that fits nothing stands before it."""
    from pynput.keyboard import Key, KeyCode

    from collector.desktop.callback_input import _Described

    keys = _Described()
    acute = KeyCode.from_dead("\u00b4", vk=0xDD)

    def tap(key: KeyCode | Key) -> str | None:
        char = keys.stroke(key, True).char
        keys.stroke(key, False)
        return char

    assert [tap(acute), tap(KeyCode.from_char("e", vk=0x45))] == [None, "é"]
    assert [tap(acute), tap(KeyCode.from_char("q", vk=0x51))] == [None, "\u00b4q"]
    assert [tap(acute), tap(KeyCode.from_char(" ", vk=0x20))] == [None, "\u00b4"]
    assert tap(KeyCode.from_char("e", vk=0x45)) == "e"
    assert keys.stroke(acute, True).key == "dead_acute"


@pytest.mark.needs("xvfb")
def test_where_nothing_but_callbacks_tell_a_held_key_is_one_press(xserver: str) -> None:
    from pynput.keyboard import Key, KeyCode

    from collector.desktop.callback_input import _Described

    keys = _Described()
    keys.stroke(Key.shift, True)
    presses = [keys.stroke(KeyCode.from_char("A", vk=0x41), True) for _ in range(3)]
    keys.stroke(Key.shift, False)
    released = keys.stroke(KeyCode.from_char("a", vk=0x41), False)
    assert [(stroke.key, stroke.char, stroke.repeat) for stroke in presses] == [
        ("A", "A", None), ("A", "A", True), ("A", "A", True),
    ]  # fmt: skip
    assert released.key == "A", "a release has the name of its press"
    keys.stroke(Key.ctrl_l, True)
    assert keys.stroke(KeyCode.from_char("c", vk=0x43), True).char is None
