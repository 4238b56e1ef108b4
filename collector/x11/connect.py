"""Reaching an X server, with one line that says why it cannot be reached; and asking it for the pointer's picture."""

from __future__ import annotations

from Xlib import display as xdisplay
from Xlib import error
from Xlib.protocol import rq

from manifests.errors import GoaltraceError


def open_display(name: str | None) -> xdisplay.Display:
    """A connection to an X display; None: $DISPLAY. Raises `GoaltraceError`."""
    try:
        return xdisplay.Display(name)
    except (error.DisplayError, error.XauthError, error.ConnectionClosedError, OSError) as problem:
        reason = str(problem).rpartition(": ")[2].strip()
        shown = f"display {name}" if name else "$DISPLAY"
        raise GoaltraceError(
            f"{shown}: no X server answers ({reason}); is the name right, and may you use it?"
        ) from None


class GetCursorImage(rq.ReplyRequest):  # type: ignore[misc]
    """XFixesGetCursorImage: the pointer's place and picture. python-xlib has it too, but takes the pixels apart."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(4), rq.RequestLength())
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"), rq.ReplyLength(),
        rq.Int16("x"), rq.Int16("y"), rq.Card16("width"), rq.Card16("height"), rq.Card16("xhot"), rq.Card16("yhot"),
        rq.Card32("cursor_serial"), rq.Pad(8), rq.Binary("cursor_image"),
    )  # fmt: skip
