"""Waiting for work in other threads and processes, such that Ctrl-C is heard at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import TypeVar

T = TypeVar("T")
_LOOK_S = 0.5
"""A wait without end sleeps through a Ctrl-C that another thread was given: on Windows any, elsewhere one that came
while the process was stopped.
"""


def as_they_end(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Each future once it has ended."""
    left = set(futures)
    while left:
        with suppress(TimeoutError):
            for future in as_completed(left, _LOOK_S):
                left.discard(future)
                yield future


def workers_of(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    """The processes of a pool. It keeps them to itself, and before Python 3.14 cannot be asked to end them."""
    return list((pool._processes or {}).values())
