"""The mark that shows on the screen that a person is being recorded: `python -m collector.human.mark --display :N`.

A process of its own that ends when its standard input closes, so that no mark outlives its recorder, not even a killed
one. It prints {"box": [x, y, width, height]} when it is on the screen, or {"error": "..."}, and reads states, one a
line: open, paused, hidden. The mark lets clicks through, stays above other windows and is in the recorded pixels like
everything else.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time
from typing import Any

WIDTH, HEIGHT = 120, 22
LOOKS = {"open": (0xC01C28, "recording"), "paused": (0xB45309, "paused"), "hidden": (0x5E5C64, "hidden")}
"""State -> background colour and word."""
_FONTS = ("-misc-fixed-bold-r-normal--13-*-iso8859-1", "7x13bold", "6x13", "fixed")
_RAISE_S = 1.0
_SETTLE_S = 0.1


class Mark:
    """The mark on one X display."""

    def __init__(self, name: str | None) -> None:
        from Xlib import X
        from Xlib import display as xdisplay

        self.display = xdisplay.Display(name)
        screen = self.display.screen()
        left, top, width = self._main_monitor(screen)
        self.box = (left + (width - WIDTH) // 2, top, WIDTH, HEIGHT)
        self.window = screen.root.create_window(
            *self.box, 0, screen.root_depth, X.InputOutput, X.CopyFromParent,
            override_redirect=True, background_pixel=LOOKS["open"][0],
            event_mask=X.ExposureMask | X.VisibilityChangeMask | X.StructureNotifyMask,
        )  # fmt: skip
        self.window.set_wm_name("GoalTrace is recording")
        self._pen = self.window.create_gc(foreground=0xFFFFFF, graphics_exposures=False)
        font = self._open_font()
        if font is not None:
            self._pen.change(font=font)
        self._writes = font is not None
        self._state = "open"
        self._raised = 0.0
        self._let_clicks_through()
        self.window.map()
        self._raise()
        self._draw()

    def show(self, state: str) -> None:
        """Show a state; unknown ones are ignored, since the mark must never be wrong."""
        if state in LOOKS:
            self._state = state
            self._draw()

    def handle_events(self) -> None:
        """Repaint and stay on top."""
        from Xlib import X

        while self.display.pending_events():
            event = self.display.next_event()
            if event.type == X.Expose and event.count == 0:
                self._draw()
            elif event.type == X.UnmapNotify:
                self.window.map()
            elif event.type == X.VisibilityNotify and event.state != X.VisibilityUnobscured:
                self._raise(_SETTLE_S)
        self._raise(_RAISE_S)

    def _raise(self, at_most_every_s: float = 0.0) -> None:
        from Xlib import X

        if time.monotonic() - self._raised >= at_most_every_s:
            self._raised = time.monotonic()
            self.window.configure(stack_mode=X.Above)
            self.display.flush()

    def _draw(self) -> None:
        colour, word = LOOKS[self._state]
        self.window.change_attributes(background_pixel=colour)
        self.window.clear_area(0, 0, WIDTH, HEIGHT)
        self.window.fill_arc(self._pen, 10, 6, 10, 10, 0, 360 * 64)
        if self._writes:
            self.window.draw_text(self._pen, 28, 15, word)
        self.display.flush()

    def _open_font(self) -> Any:
        for name in _FONTS:
            if self.display.list_fonts(name, 1):
                return self.display.open_font(name)
        return None

    def _main_monitor(self, screen: Any) -> tuple[int, int, int]:
        """Left, top and width in px of the main monitor; of the whole screen where there is only one."""
        if self.display.has_extension("RANDR"):
            try:
                monitors = screen.root.xrandr_get_monitors().monitors
                main = next((monitor for monitor in monitors if monitor.primary), monitors[0])
                return main.x, main.y, main.width_in_pixels
            except Exception:  # an old RANDR
                pass
        return 0, 0, screen.width_in_pixels

    def _let_clicks_through(self) -> None:
        if self.display.has_extension("SHAPE"):
            from Xlib.ext import shape

            self.window.shape_rectangles(shape.SO.Set, shape.SK.Input, 0, 0, 0, [])


def main(arguments: list[str]) -> int:
    """Show the mark until standard input closes."""
    parser = argparse.ArgumentParser(prog="collector.human.mark")
    parser.add_argument("--display")
    args = parser.parse_args(arguments)
    try:
        if not sys.platform.startswith("linux"):
            from collector.human.mark_tk import show_mark

            return show_mark()
        mark = Mark(args.display)
        mark.display.sync()
    except Exception as error:  # whatever it is, nobody may be recorded now
        print(json.dumps({"error": f"cannot be shown: {' '.join(str(error).split())[:200]}"}), flush=True)
        return 1
    print(json.dumps({"box": mark.box}), flush=True)
    return _obey(mark)


def _obey(mark: Mark) -> int:
    waiting = b""
    while True:
        ready, _, _ = select.select([0, mark.display], [], [], _RAISE_S / 2)
        if 0 in ready:
            data = os.read(0, 1024)
            if not data:
                return 0
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                mark.show(line.decode(errors="replace").strip())
        mark.handle_events()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
