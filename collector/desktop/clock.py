"""The X server's clock: CLOCK_MONOTONIC in whole ms modulo 2^32, when server and recorder share a machine."""

from __future__ import annotations

import time

NS_PER_MS = 1_000_000
_CLOCK_MONOTONIC_COARSE = 6  # Linux; Python has no name for it


def unwrap_ms(server_ms: int, now_ns: int) -> int:
    """The CLOCK_MONOTONIC ns of an X server's time: the one nearest to `now_ns`."""
    now_ms = now_ns // NS_PER_MS
    behind = (now_ms - server_ms + 2**31) % 2**32 - 2**31
    return (now_ms - behind) * NS_PER_MS


def stamp_width_ns() -> int:
    """How much later than its stamp something may have happened at the server, in ns.

    A stamp is a clock reading rounded down to ms. Servers read the coarse clock where it ticks every ms
    (GetTimeInMillis in X.Org's os/utils.c), and that may lag by a tick more.
    """
    coarse_s = time.clock_getres(_CLOCK_MONOTONIC_COARSE)
    return NS_PER_MS * (2 if coarse_s <= 0.001 else 1)
