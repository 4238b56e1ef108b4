"""Input times are the X server's, on the session's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.desktop.clock import unwrap_ms
from collector.x11.keyboard import keysym_name
from collector.x11.xkbcommon import keysym_text


@given(st.integers(0, 2**50), st.integers(0, 10**10))
def test_a_wrapped_server_time_is_found_again(true_ms: int, lag_ns: int) -> None:
    """X event times wrap every 49.7 days; the event is at most seconds older than its arrival."""
    assert unwrap_ms(true_ms % 2**32, true_ms * 1_000_000 + lag_ns) == true_ms * 1_000_000


@given(st.integers(2**32, 2**50))
def test_a_server_time_slightly_ahead_of_us_is_not_taken_for_50_days_ago(true_ms: int) -> None:
    assert unwrap_ms((true_ms + 3) % 2**32, true_ms * 1_000_000) == (true_ms + 3) * 1_000_000


def test_keys_have_the_names_that_people_know() -> None:
    assert keysym_name(0x61) == "a"
    assert keysym_name(0xFF0D) == "Return"
    assert keysym_name(0xFFE1) == "Shift_L"
    assert keysym_name(0x20) == "space"
    assert keysym_text(0x10020AC) == "€"
    assert keysym_text(0xFF0D) is None


@pytest.mark.needs("xvfb")
def test_keysyms_of_older_alphabets_have_their_character(xserver: str) -> None:
    found = {name: keysym_text(keysym) for name, keysym in (("euro", 0x20AC), ("zhe", 0x6D6), ("alpha", 0x7E1))}
    assert found == {"euro": "€", "zhe": "ж", "alpha": "α"}
    assert (keysym_text(0xFFB1), keysym_name(0xFFB1)) == ("1", "KP_1"), "a keypad key keeps its name"
