"""A text entry of GTK, run with the system's Python: what a program on the screen receives of every key.

`python3 text_entry.py` shows the entry on $DISPLAY, says "ready", and then at every release of a key one JSON line:
its keycode and all the text that was typed into the entry so far. It ends with its standard input.
"""

import json
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def say(said: object) -> None:
    print(json.dumps(said), flush=True)


inserted: list[str] = []


def released(entry: Gtk.Entry, event: Gdk.EventKey) -> bool:
    say([event.hardware_keycode, "".join(inserted)])
    return False


def drawn(window: Gtk.Window, *_: object) -> bool:
    window.get_window().focus(Gdk.CURRENT_TIME)  # there is no window manager to do it
    return False


def main() -> None:
    window = Gtk.Window(title="text entry")
    entry = Gtk.Entry(width_chars=60)
    entry.connect("key-release-event", released)
    entry.get_buffer().connect("inserted-text", lambda _, at, text, length: inserted.append(text))
    window.add(entry)
    window.connect("map-event", drawn)
    focused = entry.connect(
        "focus-in-event", lambda *_: entry.disconnect(focused) or (GLib.idle_add(say, "ready") and False)
    )
    window.show_all()
    GLib.io_add_watch(0, GLib.IO_HUP | GLib.IO_IN, lambda *_: Gtk.main_quit())
    Gtk.main()


if __name__ == "__main__":
    sys.exit(main())
