"""The hotkey is found among the keys themselves, once a press, and leaves no key of its own in the log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.recording.hotkey import MODIFIERS, Hotkey
from manifests.errors import GoaltraceError

MS = 1_000_000
SIDES = [key for keys in MODIFIERS.values() for key in keys]


def feed(hotkey: Hotkey, *keys: str, start_ns: int = 10**12) -> list[bool]:
    """Each key goes down ("p") or up ("-p"), 30 ms apart."""
    return [
        hotkey.feed("key_up" if key.startswith("-") else "key_down", key.removeprefix("-"), start_ns + n * 30 * MS)
        for n, key in enumerate(keys)
    ]


@given(st.sampled_from(MODIFIERS["ctrl"]), st.sampled_from(MODIFIERS["alt"]), st.sampled_from("pP"), st.booleans())
def test_left_and_right_modifiers_and_capitals_are_alike(ctrl: str, alt: str, key: str, ctrl_first: bool) -> None:
    first, second = (ctrl, alt) if ctrl_first else (alt, ctrl)
    assert feed(Hotkey("ctrl+alt+p"), first, second, key) == [False, False, True]


@given(st.sets(st.sampled_from(sorted(MODIFIERS)), min_size=1), st.sets(st.sampled_from(sorted(MODIFIERS))))
def test_only_exactly_its_modifiers_complete_it(wanted: set[str], held: set[str]) -> None:
    hotkey = Hotkey("+".join([*sorted(wanted), "k"]))
    assert feed(hotkey, *(MODIFIERS[name][0] for name in held), "k")[-1] == (wanted == held)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([*SIDES, "p", "a", "Return"]))))
def test_any_keys_before_do_not_disarm_it(before: list[tuple[bool, str]]) -> None:
    hotkey = Hotkey("ctrl+alt+p")
    feed(hotkey, *("-" * up + key for up, key in before))
    feed(hotkey, *("-" + key for key in [*SIDES, "p", "a"]), start_ns=2 * 10**12)
    assert feed(hotkey, "Control_R", "Alt_L", "p", start_ns=3 * 10**12)[-1]


def test_a_modifier_whose_release_was_not_seen_does_not_disarm_it() -> None:
    hotkey = Hotkey("ctrl+alt+p")
    feed(hotkey, "Super_L")  # and the screen was locked
    assert feed(hotkey, "Control_L", "Alt_L", "p", start_ns=2 * 10**12)[-1]


@given(st.integers(1, 50), st.booleans())
def test_holding_it_toggles_once(repeats: int, with_releases: bool) -> None:
    """X repeats a held key as presses alone or as releases and presses at the same time."""
    hotkey = Hotkey("ctrl+alt+p")
    assert feed(hotkey, "Control_L", "Alt_L", "p")[-1]
    for n in range(repeats):
        t_ns = 2 * 10**12 + n * 33 * MS
        if with_releases:
            assert not hotkey.feed("key_up", "p", t_ns)
            assert hotkey.owns("key_up", "p", t_ns)
        assert not hotkey.feed("key_down", "p", t_ns)
        assert hotkey.owns("key_down", "p", t_ns)
    assert feed(hotkey, "-p", "p", start_ns=3 * 10**12) == [False, True], "pressed again it toggles again"


def test_no_key_of_the_combination_stays_in_the_log() -> None:
    hotkey = Hotkey("ctrl+alt+p")
    keys = ["a", "-a", "Control_L", "Alt_R", "p", "-p", "-Alt_R", "-Control_L", "Control_L", "c", "-c", "-Control_L"]
    feed(hotkey, *keys)
    left = [
        key
        for n, key in enumerate(keys)
        if not hotkey.owns("key_up" if key[0] == "-" else "key_down", key.removeprefix("-"), 10**12 + n * 30 * MS)
    ]
    assert left == ["a", "-a", "Control_L", "c", "-c", "-Control_L"]


def test_its_keys_are_known() -> None:
    assert Hotkey("ctrl+F9").keys == {"Control_L", "Control_R", "F9"}


@pytest.mark.parametrize(
    "bad", ["", "p+", "ctrl", "ctrl+", "p", "hyper+p", "ctrl+ctrl+p", "ctrl+ä", "shift+1", "p+ctrl"]
)
def test_a_bad_combination_is_one_line_that_names_what_there_is(bad: str) -> None:
    with pytest.raises(GoaltraceError, match="--hotkey") as error:
        Hotkey(bad)
    assert "\n" not in str(error.value)
    assert "ctrl+alt+p" in str(error.value)
