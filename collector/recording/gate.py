"""The gate: what may be recorded at a moment. Pixels and input ask the same one, so that they stop and hide together.

A gate learns of changes a little after they happened (a hotkey is an event like any other, a password field's
focus is reported by the desktop). Whoever records a person therefore holds frames and input back for `hold_ns`
before asking; an agent's session holds nothing.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from typing import Literal

from manifests.session import Event, EventKind

View = Literal["open", "hidden", "paused"]
HOLD_NS = 300_000_000


class Gate:
    """Open, hidden or paused at any time of the session. All times are ns since its start; safe in any thread."""

    def __init__(self, write: Callable[[Event], None], hold_ns: int = 0) -> None:
        self._write = write
        self.hold_ns = hold_ns
        self._lock = threading.Lock()
        self._times: list[int] = [0]
        self._views: list[View] = ["open"]
        self._paused = False
        self._hidden_by: set[str] = set()

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def hidden(self) -> bool:
        return bool(self._hidden_by)

    def pause(self, t_ns: int, reason: str) -> None:
        """Stop pixels and input from `t_ns` on; again has no effect."""
        with self._lock:
            if not self._paused:
                self._paused = True
                self._change(t_ns, "pause", reason)

    def resume(self, t_ns: int, reason: str) -> None:
        with self._lock:
            if self._paused:
                self._paused = False
                self._change(t_ns, "resume", reason)

    def toggle_pause(self, t_ns: int, reason: str) -> None:
        (self.resume if self._paused else self.pause)(t_ns, reason)

    def hide(self, t_ns: int, reason: str) -> None:
        """Blank pixels and redact input from `t_ns` on, until every reason to hide has gone."""
        with self._lock:
            if reason not in self._hidden_by:
                self._hidden_by.add(reason)
                self._change(t_ns, "hide", reason)

    def show(self, t_ns: int, reason: str) -> None:
        with self._lock:
            if reason in self._hidden_by:
                self._hidden_by.discard(reason)
                self._change(t_ns, "show", reason)

    def view(self, t0_ns: int, t1_ns: int) -> View:
        """The strictest view anywhere in [t0, t1]."""
        with self._lock:
            first = bisect_right(self._times, t0_ns) - 1
            last = bisect_right(self._times, t1_ns)
            seen = self._views[max(first, 0) : last]
        return "paused" if "paused" in seen else "hidden" if "hidden" in seen else "open"

    def _change(self, t_ns: int, kind: EventKind, reason: str) -> None:
        t_ns = max(t_ns, self._times[-1])  # reports may cross; time may not run backwards
        view: View = "paused" if self._paused else "hidden" if self._hidden_by else "open"
        self._times.append(t_ns)
        self._views.append(view)
        self._write(Event(t_ns=t_ns, kind=kind, reason=reason))
