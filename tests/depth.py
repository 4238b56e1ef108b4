"""How much of what could be tried for ever is tried: a part, another one each day; all of it by `make whole`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from typing import TypeVar

T = TypeVar("T")
WHOLE = os.environ.get("GOALTRACE_WHOLE", "") not in ("", "0")
TURN = int(os.environ.setdefault("GOALTRACE_TURN", str(date.today().toordinal())))
"""Whose turn it is; in the environment, so that all workers of one run agree, and that a failure can be repeated."""


def examples(whole: int) -> int:
    """On how many examples a property is tried, of `whole` that are many."""
    return whole if WHOLE else -(-whole // 4)


def turn(family: Sequence[T], parts: int = 3) -> list[T]:
    """The members of a family whose turn it is: each comes within `parts` days."""
    return [one for number, one in enumerate(family) if WHOLE or number % parts == TURN % parts]
