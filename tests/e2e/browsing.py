"""Pages of our own in a real browser: opened, watched for what goes wrong, and waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.waiting import PATIENCE_S


def until(page: Any, holds: str, seconds: float = PATIENCE_S) -> None:
    """Wait until an expression holds (the page's policy forbids what Playwright's own wait does)."""
    end = time.monotonic() + seconds
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"not within {seconds} s: {holds}"
        time.sleep(0.02)


@contextmanager
def opened(browser: Any, address: str, ready: str, **looks: Any) -> Iterator[Any]:
    """A page at `address` once `ready` holds; errors in its script, or things it was refused, fail the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, **looks)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(address)
    until(page, ready)
    yield page
    assert wrong == []
    page.close()
