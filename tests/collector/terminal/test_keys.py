"""Every key has the name of its keysym and sends the bytes a terminal sends."""

from __future__ import annotations

import string

import pytest

from collector.terminal.keys import key_bytes, key_name
from manifests.errors import GoaltraceError


@pytest.mark.parametrize("char", string.ascii_letters + string.digits + string.punctuation + " é€")
def test_a_printable_key_types_itself(char: str) -> None:
    assert key_bytes(char) == char
    name = key_name(char)
    assert name.isascii() and name.isprintable() and " " not in name


def test_names_send_their_bytes() -> None:
    sent = {
        name: key_bytes(name) for name in ("Return", "BackSpace", "ctrl+c", "ctrl+d", "Up", "alt+b", "slash", "Tab")
    }
    assert sent == {
        "Return": "\r", "BackSpace": "\x7f", "ctrl+c": "\x03", "ctrl+d": "\x04", "Up": "\x1b[A", "alt+b": "\x1bb",
        "slash": "/", "Tab": "\t",
    }  # fmt: skip
    assert key_name("/") == "slash" and key_name("\n") == "Return" and key_name("€") == "U20AC"


@pytest.mark.parametrize("name", ["", "F99", "ctrl+", "ctrl+1", "hyper+a", "Retrun"])
def test_an_unknown_key_is_named(name: str) -> None:
    with pytest.raises(GoaltraceError, match="no such key"):
        key_bytes(name)
