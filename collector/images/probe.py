"""Runs inside a desktop container (sent there as text): uses every launcher as a person would.

It finds each launcher's button by AT-SPI, clicks it through the X server (XTest), waits for the program's
window, looks for an error dialog, takes a picture and closes the window. Programs that no launcher starts are started
by their commands: the argument is a JSON list of [title, command, names on the accessibility bus]. One JSON object per
line goes to stdout: {"name", "ok", "seconds", "window", "detail", "png" (base64, or null)}.
"""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import mss
import mss.tools
import pyatspi
from Xlib import X, Xatom, display, error
from Xlib.ext import xtest
from Xlib.protocol import event

PANEL = Path.home() / ".config/xfce4/panel"
DIALOG_ROLES = (pyatspi.ROLE_ALERT, pyatspi.ROLE_DIALOG)
BUTTON_ROLES = (pyatspi.ROLE_PUSH_BUTTON, pyatspi.ROLE_TOGGLE_BUTTON)


class ProbedScreen:
    """The display as seen and touched through the X protocol."""

    def __init__(self) -> None:
        self.display = display.Display()
        self.root = self.display.screen().root
        self.width, self.height = self.display.screen().width_in_pixels, self.display.screen().height_in_pixels

    def atom(self, name: str) -> int:
        return int(self.display.intern_atom(name))

    def windows(self) -> dict[int, str]:
        """Managed windows: id -> "class: title"; panel and desktop are among them."""
        listed = self.root.get_full_property(self.atom("_NET_CLIENT_LIST"), Xatom.WINDOW)
        found = {}
        for number in listed.value if listed else ():
            window = self.display.create_resource_object("window", number)
            try:
                names = " ".join(window.get_wm_class() or ())
                title = window.get_full_property(self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"))
                found[int(number)] = f"{names}: {title.value.decode('utf-8', 'replace') if title else ''}"
            except (error.BadWindow, error.BadDrawable):
                continue
        return found

    def is_dialog(self, number: int) -> bool:
        window = self.display.create_resource_object("window", number)
        try:
            kind = window.get_full_property(self.atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM)
        except (error.BadWindow, error.BadDrawable):
            return False
        return bool(kind) and self.atom("_NET_WM_WINDOW_TYPE_DIALOG") in kind.value

    def move(self, x: int, y: int) -> None:
        xtest.fake_input(self.display, X.MotionNotify, x=x, y=y)
        self.display.sync()

    def click(self, x: int, y: int) -> None:
        self.move(x, y)
        time.sleep(0.15)
        for button_event in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self.display, button_event, 1)
            self.display.sync()
            time.sleep(0.08)  # a finger's pace: a press shorter than a program's event loop can be lost

    def close(self, number: int) -> None:
        window = self.display.create_resource_object("window", number)
        message = event.ClientMessage(
            window=window, client_type=self.atom("_NET_CLOSE_WINDOW"), data=(32, [X.CurrentTime, 2, 0, 0, 0])
        )
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self.root.send_event(message, event_mask=mask)
        self.display.sync()

    def picture(self, settle_s: float = 6) -> Any:
        """The screen once two looks 0.4 s apart are the same, or as it is after `settle_s`."""
        # mss's other back ends refuse Xtigervnc, which lists depth 24 twice.
        with mss.MSS(backend="xlib") as grabber:
            deadline = time.monotonic() + settle_s
            before = grabber.grab(grabber.monitors[0])
            while True:
                time.sleep(0.4)
                now = grabber.grab(grabber.monitors[0])
                if now.rgb == before.rgb or time.monotonic() > deadline:
                    return now
                before = now


def report(name: str, ok: bool, seconds: float, *, window: str = "", detail: str = "", shot: Any = None) -> None:
    png = base64.b64encode(mss.tools.to_png(shot.rgb, shot.size) or b"").decode() if shot is not None else None
    line = {"name": name, "ok": ok, "seconds": round(seconds, 2), "window": window, "detail": detail, "png": png}
    print(json.dumps(line), flush=True)


def find(node: Any, wanted: Callable[[Any], bool], depth: int = 8) -> Any:
    """The first accessible below `node` that is wanted, or None."""
    for child in node:
        if child is None:
            continue
        if wanted(child):
            return child
        below = find(child, wanted, depth - 1) if depth else None
        if below is not None:
            return below
    return None


def panel_button(name: str) -> Any:
    """The panel's button of that accessible name, or None."""
    desktop = pyatspi.Registry.getDesktop(0)
    panel = find(desktop, lambda node: node.name == "xfce4-panel", depth=0)
    return panel and find(panel, lambda node: node.name == name and node.getRole() in BUTTON_ROLES)


def dialog_text() -> str:
    """The text of an open dialog, by AT-SPI, or ""."""
    desktop = pyatspi.Registry.getDesktop(0)
    dialog = find(desktop, lambda node: node.getRole() in DIALOG_ROLES and node.childCount > 0, depth=2)
    if dialog is None:
        return ""
    labels: list[str] = []
    collect_labels(dialog, labels)
    return " ".join([dialog.name, *labels]).strip()


def accessible(titles: set[str], timeout_s: float = 10) -> str | None:
    """What the program with a window of one of these titles calls itself to AT-SPI; None: nothing shows such a window.

    What a script cannot find, it cannot use.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        for app in pyatspi.Registry.getDesktop(0):
            try:
                if any(window is not None and window.name in titles for window in app or ()):
                    return str(app.name)
            except Exception:  # a program that is starting does not answer yet
                continue
        time.sleep(0.2)
    return None


def collect_labels(node: Any, into: list[str]) -> None:
    for child in node:
        if child is not None:
            if child.getRole() == pyatspi.ROLE_LABEL:
                into.append(child.name)
            collect_labels(child, into)


def launchers() -> dict[str, str]:
    """Launcher name -> program, from the very files that the panel shows."""
    found = {}
    for path in sorted(PANEL.glob("launcher-*/*.desktop")):
        fields = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        found[fields["Name"]] = Path(shlex.split(fields["Exec"])[0]).name
    return found


def colours(shot: Any, left: int, top: int, width: int, height: int) -> int:
    """How many different colours a box of the picture has."""
    return len({shot.pixel(x, y) for x in range(left, left + width, 2) for y in range(top, top + height, 2)})


def check_display(screen: ProbedScreen) -> None:
    started = time.monotonic()
    missing = [name for name in ("RECORD", "XTEST") if not screen.display.has_extension(name)]
    report("X extensions", not missing, time.monotonic() - started, window="RECORD XTEST", detail=" ".join(missing))
    started = time.monotonic()
    names = [node.name for node in pyatspi.Registry.getDesktop(0) if node is not None]
    report("AT-SPI", "xfce4-panel" in names, time.monotonic() - started, window=f"{len(names)} applications")


def check_desktop(screen: ProbedScreen) -> None:
    """The bare desktop: a wallpaper with more than one colour, an icon in every launcher, no dialog."""
    started = time.monotonic()
    screen.move(screen.width - 30, screen.height // 3)
    shot = screen.picture()
    problems = []
    if colours(shot, 0, 0, screen.width, screen.height // 2) < 16:
        problems.append("the wallpaper is not drawn")
    for name in launchers():
        button = panel_button(name)
        if button is None:
            problems.append(f"no button {name!r} in the panel")
            continue
        box = button.queryComponent().getExtents(pyatspi.DESKTOP_COORDS)
        if colours(shot, box.x, box.y, box.width, box.height) < 16:
            problems.append(f"{name!r} has no icon")
    if any(screen.is_dialog(number) for number in screen.windows()):
        problems.append(f"a dialog is open: {dialog_text()}")
    size = f"{screen.width}x{screen.height}"
    report("desktop", not problems, time.monotonic() - started, window=size, detail="; ".join(problems), shot=shot)


def check_launcher(screen: ProbedScreen, name: str, program: str, names: list[str] | None) -> None:
    button = panel_button(name)
    if button is None:
        report(name, False, 0, detail="no such button in the panel")
        return
    box = button.queryComponent().getExtents(pyatspi.DESKTOP_COORDS)

    def click() -> None:
        screen.click(box.x + box.width // 2, box.y + box.height // 2)
        screen.move(screen.width - 30, screen.height // 3)  # or its tooltip would be in the picture

    check_window(screen, name, program, names, click)


def check_command(screen: ProbedScreen, name: str, command: str, names: list[str]) -> None:
    words = shlex.split(command)

    def start() -> None:
        with suppress(OSError):  # no such program: no window
            subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    check_window(screen, name, Path(words[0]).name, names, start)


def check_window(
    screen: ProbedScreen,
    name: str,
    program: str,
    names: list[str] | None,
    start: Callable[[], object],
    timeout_s: float = 40,
) -> None:
    """The window that `start` opens: the program's, found by AT-SPI under one of its `names`, and no error."""
    before = screen.windows()
    started = time.monotonic()
    start()
    new: dict[int, str] = {}
    while not new and time.monotonic() - started < timeout_s:
        time.sleep(0.05)
        new = {number: text for number, text in screen.windows().items() if number not in before}
    seconds = time.monotonic() - started
    if not new:
        report(name, False, seconds, detail=f"no window in {timeout_s:.0f} s", shot=screen.picture())
        return
    shot = screen.picture()
    new = {number: text for number, text in screen.windows().items() if number not in before}
    detail = ""
    if any(screen.is_dialog(number) for number in new):
        detail = f"a dialog opened: {dialog_text() or '; '.join(new.values())}"
    elif not any(program in text.split(":")[0].lower() for text in new.values()):
        detail = f"not a window of {program}"
    elif (said := accessible({text.split(": ", 1)[1] for text in new.values()})) is None:
        detail = "AT-SPI does not show its window"
    elif names and said.casefold().replace("-", " ").replace("_", " ") not in names:
        detail = f"AT-SPI calls it {said!r}, manifests/programs.py: {', '.join(names)}"
    elif program == "chromium":
        detail = playwright_problem()
    for number in new:
        screen.close(number)
    closing = time.monotonic()
    while new.keys() & screen.windows().keys() and time.monotonic() - closing < 10:
        time.sleep(0.1)
    if not detail and new.keys() & screen.windows().keys():
        detail = "its window did not close in 10 s"
    titles = "; ".join(text.split(": ", 1)[1] for text in new.values())
    report(name, not detail, seconds, window=titles, detail=detail, shot=shot)


def playwright_problem() -> str:
    """Whether Playwright reaches the running Chromium: "" or what went wrong."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp("http://127.0.0.1:9222", timeout=15_000)
            titles = [page.title() for context in browser.contexts for page in context.pages]
            return "" if any(titles) else "Playwright sees no page"
    except Error as problem:
        return f"Playwright cannot connect: {problem.message.splitlines()[0]}"


def main() -> int:
    screen = ProbedScreen()
    check_display(screen)
    check_desktop(screen)
    programs = {command.split()[0]: (title, command, names) for title, command, names in json.loads(sys.argv[1])}
    launched = launchers()
    for name, program in launched.items():
        check_launcher(screen, name, program, programs[program][2] if program in programs else None)
    for program, (title, command, names) in programs.items():
        if program not in launched.values():
            check_command(screen, title, command, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
