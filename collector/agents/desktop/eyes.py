"""An agent's eyes: they find where a target is on the screen, and never act; that is for its hands (`hands.py`).

AT-SPI finds elements of desktop programs, Playwright finds elements of pages in Chromium.
"""

from __future__ import annotations

import difflib
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from collector.agents.desktop import names
from collector.agents.desktop.names import is_named, is_program, is_role, normalised
from manifests.task import Target

CDP_URL = "http://127.0.0.1:9222"
MAX_ELEMENTS = 4000
# The page's corner on the screen and its height. The window's frame is as wide below as at the sides.
_PAGE_ORIGIN = """(() => {
  const frame = (outerWidth - innerWidth) / 2;
  return [screenX + frame, screenY + outerHeight - innerHeight - frame, innerHeight];
})()"""


class Box(NamedTuple):
    """A box on the screen in px."""

    x: int
    y: int
    width: int
    height: int


class Eyes:
    """Finds targets on the screen of $DISPLAY. Close it when done."""

    def __init__(self) -> None:
        import pyatspi

        self._atspi = pyatspi
        self._browser = _Browser()

    def wait_for(self, target: Target, timeout_s: float) -> Box | None:
        """The target's box once it is on the screen and has stopped moving; None after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        before: Box | None = None
        while True:
            box = self.find(target)
            if box is not None and box == before:
                return box
            before = box
            if time.monotonic() > deadline:
                return None
            time.sleep(0.15)

    def find(self, target: Target) -> Box | None:
        """The target's box now, or None."""
        if target.css is not None:
            return self._browser.find(target.css)
        try:
            if target.window is not None:
                return self._window(target.window)
            if target.program is not None and not (target.role or target.name):
                return self._program(target.program)
            return self._element(target)
        except Exception:  # a program that does not answer now is asked again (AT-SPI raises GLib.Error)
            return None

    def nearest(self, target: Target, count: int = 4) -> str:
        """A description of what is on the screen and most like a target that was not found."""
        if target.css is not None:
            return self._browser.describe()
        try:
            if target.window is not None or (target.program is not None and not (target.role or target.name)):
                seen = [f"{window.name[:60]!r} of {app}" for app, window in self._named_windows() if window.name]
                return f"the windows are {', '.join(seen[:count])}" if seen else "no window is open"
            found = self._like(target)
        except Exception:  # as in `find`
            return "the programs do not answer (AT-SPI)"
        return f"nearest: {', '.join(found[:count])}" if found else "no program shows its elements (AT-SPI)"

    def close(self) -> None:
        self._browser.close()

    def _like(self, target: Target) -> list[str]:
        """Every named element, described by role and name, the most like `target` first."""
        scores: dict[str, float] = {}
        for app, window in self._named_windows():
            if target.program is not None and not is_program(app, target.program):
                continue
            for element in self._walk(window):
                try:
                    number, name = int(element.getRole()), normalised(element.name)
                except Exception:
                    continue
                role = names.WORDS.get(number) or element.getRoleName()
                if not name:
                    continue
                like = _likeness(normalised(target.name), name) + _likeness(target.role or "", role) / 2
                described = f"{role} {element.name[:60]!r}"
                scores[described] = max(scores.get(described, 0.0), like)
        return sorted(scores, key=lambda described: -scores[described])

    def _window(self, title: str) -> Box | None:
        for _, window in self._named_windows():
            if is_named(window.name, title):
                return self._box(window)
        return None

    def _program(self, word: str) -> Box | None:
        for app, window in self._named_windows():
            if is_program(app, word) and (box := self._box(window)) is not None:
                return box
        return None

    def _element(self, target: Target) -> Box | None:
        """An exact name wins over a name that contains the text; the active window wins over the others."""
        loose: Box | None = None
        for app, window in self._named_windows():
            if target.program is not None and not is_program(app, target.program):
                continue
            for element in self._walk(window):
                match = self._matches(element, target)
                if not match:
                    continue
                box = self._box(element)
                if box is None:
                    continue
                if match == "exact":
                    return box
                loose = loose or box
        return loose

    def _matches(self, element: Any, target: Target) -> str | None:
        try:
            if target.role is not None and not is_role(element.getRole(), target.role):
                return None
            return "exact" if target.name is None else is_named(element.name, target.name)
        except Exception:  # an element that vanished while being read (AT-SPI raises GLib.Error)
            return None

    def _named_windows(self) -> list[tuple[str, Any]]:
        """Every top-level window with its program's name, the active one first."""
        found = []
        for app in self._atspi.Registry.getDesktop(0):
            try:
                for child in app or ():
                    if child is not None:
                        found.append((not child.getState().contains(self._atspi.STATE_ACTIVE), app.name, child))
            except Exception:
                continue
        return [(name or "", child) for _, name, child in sorted(found, key=lambda triple: triple[0])]

    def _walk(self, root: Any) -> Iterator[Any]:
        """Every showing element below `root`, nearest first; bounded, since a table may have a million cells."""
        waiting = deque([root])
        for _ in range(MAX_ELEMENTS):
            if not waiting:
                return
            element = waiting.popleft()
            try:
                if not element.getState().contains(self._atspi.STATE_SHOWING):
                    continue
                yield element
                waiting.extend(element[i] for i in range(min(element.childCount, 500)))
            except Exception:
                continue

    def _box(self, element: Any) -> Box | None:
        try:
            extents = element.queryComponent().getExtents(self._atspi.DESKTOP_COORDS)
        except Exception:
            return None
        if extents.width <= 0 or extents.height <= 0 or extents.x + extents.width <= 0 or extents.y < 0:
            return None
        return Box(extents.x, extents.y, extents.width, extents.height)


def _likeness(one: str, other: str) -> float:
    """0 to 1, by the letters that two texts share in order."""
    return difflib.SequenceMatcher(None, one, other).ratio()


class _Browser:
    """The Chromium on the screen, looked at over its debugging port; connected when first needed."""

    def __init__(self) -> None:
        self._playwright: Any = None
        self._page: Any = None

    def find(self, css: str) -> Box | None:
        from playwright.sync_api import Error

        try:
            page = self._front_page()
            element = page.locator(css).first
            if not element.is_visible():
                return None
            box = element.bounding_box()
            left, top, height = page.evaluate(_PAGE_ORIGIN)
        except (Error, ConnectionError):
            self.close()
            return None
        if box is None or box["y"] < 0 or box["y"] + box["height"] / 2 > height:
            return None  # below the fold: the actor has to scroll first
        return Box(round(left + box["x"]), round(top + box["y"]), round(box["width"]), round(box["height"]))

    def describe(self) -> str:
        """A description of the page that is in front."""
        from playwright.sync_api import Error

        try:
            page = self._front_page()
            return f"the page is {page.title()!r} at {page.url[:200]}"
        except (Error, ConnectionError):
            return "no page answers; is the browser open?"

    def _front_page(self) -> Any:
        if self._page is None:
            from playwright.sync_api import sync_playwright

            self._playwright = sync_playwright().start()
            browser = self._playwright.chromium.connect_over_cdp(CDP_URL, timeout=10_000)
            # Playwright takes downloads away from the browser on connecting; the person's browser keeps them.
            browser.new_browser_cdp_session().send("Browser.setDownloadBehavior", {"behavior": "default"})
            self._page = browser.contexts[0].pages[-1]
            self._page.set_default_timeout(5000)
        return self._page

    def close(self) -> None:
        if self._playwright is not None:
            self._playwright.stop()
        self._playwright = self._page = None
