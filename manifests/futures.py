"""Waiting for work in other threads and processes without blocking Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.5
"""Seconds of one wait. A wait without a timeout does not notice a Ctrl-C that was delivered to another thread: any on
Windows, elsewhere one that came while the process was stopped.
"""


def as_they_end(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Yield each future when it is done."""
    left = set(futures)
    while left:
        with suppress(TimeoutError):
            for future in as_completed(left, _POLL_S):
                left.discard(future)
                yield future


def workers_of(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    """The processes of a pool. It has no public way to them, and before Python 3.14 none to terminate them."""
    return list((pool._processes or {}).values())
