"""Finds a person's own screen, and reports before anything starts why it cannot be recorded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from collector.recording.hotkey import Hotkey
from manifests.errors import GoaltraceError

WAYLAND = (
    "this is a Wayland session: its compositor shows no program the pixels or keys of other programs' windows, so the "
    'recording would be blank or partial; log in to an X11 session (at the login screen: "on Xorg"), or record in a '
    "container: goaltrace record TASK --agent human"
)
_LARGEST_PX = 16384


class OwnScreen(NamedTuple):
    """A screen that can be recorded; `display` is None on Windows and macOS."""

    display: str | None
    width: int
    height: int


def find_screen(display: str | None, inputs: str, hotkey: Hotkey) -> OwnScreen:
    """The X display named (or $DISPLAY), all its monitors as one screen; on Windows and macOS the whole desktop.

    Raises `GoaltraceError` for one that cannot be recorded.
    """
    if sys.platform.startswith("linux"):
        return _find_x_screen(display, inputs, hotkey, os.environ)
    if display is not None:
        raise GoaltraceError(f"--display {display}: this system has no X displays; use --env display")
    if inputs == "xserver":
        raise GoaltraceError("--inputs xserver: this system has no X server; leave it out")
    import mss

    with mss.MSS() as screens:
        picture = screens.grab(screens.monitors[0])
    return OwnScreen(None, picture.width, picture.height)


def _find_x_screen(display: str | None, inputs: str, hotkey: Hotkey, environment: Mapping[str, str]) -> OwnScreen:
    from Xlib import display as xdisplay
    from Xlib.error import DisplayError

    # an Xvfb beside a Wayland session is a screen of its own, but then the person names it
    if display is None and (environment.get("XDG_SESSION_TYPE") == "wayland" or environment.get("WAYLAND_DISPLAY")):
        raise GoaltraceError(WAYLAND)
    name = display or environment.get("DISPLAY")
    if not name:
        raise GoaltraceError("which screen? give --display :N, or set DISPLAY")
    try:
        server = xdisplay.Display(name)
    except (DisplayError, OSError) as error:
        reason = " ".join(str(error).split())
        raise GoaltraceError(f"--display {name}: cannot be opened ({reason}); see: echo $DISPLAY") from None
    try:
        if belongs_to_wayland(server.list_extensions(), _part_names(server)):
            raise GoaltraceError(f"--display {name}: {WAYLAND}")
        if inputs != "callback" and not server.has_extension("RECORD"):
            raise GoaltraceError(
                f"--display {name}: its X server has no RECORD extension, which reports input with exact times; "
                "use Xorg, Xvfb or Xtigervnc"
            )
        _require_key(server, name, hotkey)
        screen = server.screen()
        width, height = int(screen.width_in_pixels), int(screen.height_in_pixels)
        if max(width, height) > _LARGEST_PX:
            raise GoaltraceError(
                f"--display {name}: {width}x{height} px is more than H.264 holds ({_LARGEST_PX} a side)"
            )
        return OwnScreen(name, width, height)
    finally:
        server.close()


def belongs_to_wayland(extensions: Iterable[str], parts: Iterable[str]) -> bool:
    """True for the X server inside a Wayland session (Xwayland).

    From 23.1 on it has an extension of that name; before, its input devices or its monitors are called after it.
    """
    return "XWAYLAND" in extensions or any(name.lower().startswith("xwayland") for name in parts)


def _part_names(server: Any) -> list[str]:
    """What the server calls its input devices and its monitors."""
    names: list[str] = []
    if server.has_extension("XInputExtension"):
        from Xlib.ext import xinput

        server.xinput_query_version()
        names += [str(device.name) for device in server.xinput_query_device(xinput.AllDevices).devices]
    if server.has_extension("RANDR"):
        found = server.screen().root.xrandr_get_screen_resources()
        names += [str(server.xrandr_get_output_info(part, found.config_timestamp).name) for part in found.outputs]
    return names


def _require_key(server: Any, name: str, hotkey: Hotkey) -> None:
    """A hotkey that cannot be typed would leave the person without one."""
    from collector.x11.keyboard import keysym_named, shortcut
    from collector.x11.xkb import Xkb

    xkb = Xkb(server)
    keymap, (_, group) = xkb.keymap(), xkb.state()
    wanted = {keysym_named(key) for key in hotkey.names}
    for keycode, key in keymap.keys.items():
        first = key.rows[0][0] if key.rows and key.rows[0] else 0
        if shortcut(keymap, keycode, group) in hotkey.names or (first and first in wanted):
            return
    raise GoaltraceError(
        f"--hotkey: no key of display {name} types {hotkey.names[0]!r} with this keyboard layout; choose another, "
        "as in --hotkey ctrl+f9"
    )
