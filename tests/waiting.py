"""Waiting for what comes, not for a time: a machine that is busy with others is only slower."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120
"""Far longer than anything takes on a machine at load 10; only a test that fails waits for so long."""


def comes(holds: Callable[[], object]) -> bool:
    """Whether `holds` becomes true, which may take a while."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
