"""Reporting progress through a callback: a command draws a bar, a Python caller does whatever it likes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One piece of news about work that goes on."""

    work: str
    """What is done: "score", "record"."""
    done: int = 0
    total: int | None = None
    """Of how many, where that is known."""
    unit: str = "item"
    message: str = ""
    """A line about one item: that it was left out and why, that it is slow. Empty: only `done` has changed."""
    detail: str = ""
    """What goes on just now, in a few characters: shown behind the bar."""


OnProgress = Callable[[Progress], None]


def ignore(news: object) -> None:
    """For whoever does not ask how far it is, or what became of each item."""


@contextmanager
def as_bar() -> Iterator[OnProgress]:
    """Shows progress as a bar on standard error, one per kind of work, and each message above it."""
    from tqdm import tqdm

    from manifests.plain_text import one_line

    bars: dict[str, Any] = {}
    details: dict[str, str] = {}

    def show(progress: Progress) -> None:
        bar = bars.get(progress.work)
        if bar is None:
            bar = bars[progress.work] = tqdm(
                desc=progress.work, unit=progress.unit, disable=None, leave=False, file=sys.stderr
            )
        bar.total = progress.total
        bar.update(progress.done - bar.n)
        if progress.detail != details.get(progress.work, ""):
            details[progress.work] = progress.detail
            bar.set_postfix_str(progress.detail)
        if progress.message:
            bar.write(one_line(progress.message), file=sys.stderr)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
