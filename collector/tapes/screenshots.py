"""The pictures that a tape asked for with Screenshot: drawn afterwards from the cast, into the session folder."""

from __future__ import annotations

from collector.tapes.player import SCREENSHOT, picture_name
from collector.terminal.canvas import Canvas
from collector.terminal.cast import open_cast, parse_size
from collector.terminal.glyphs import Appearance
from collector.terminal.render import largest_size
from collector.terminal.screen import Screen
from collector.terminal.themes import DEFAULT, theme_of_cast
from manifests.files import replacing
from manifests.session import SessionFolder


def draw_screenshots(folder: SessionFolder) -> list[str]:
    """Draw the screen at each Screenshot's moment as a PNG; the names of the files. Those that exist are kept."""
    from PIL import Image

    cast = open_cast(folder.cast)
    if not any(event.code == "m" and event.data.startswith(SCREENSHOT) for event in cast.events()):
        return []
    theme = theme_of_cast(cast.path) or DEFAULT
    canvas = Canvas(*largest_size(cast), Appearance(theme=theme, fallbacks=None))
    screen = Screen(cast.columns, cast.rows, theme)
    names: list[str] = []
    for event in cast.events():
        if event.code == "o":
            screen.feed(event.data)
        elif event.code == "r":
            screen.resize(*parse_size(event.data, str(cast.path)))
        elif event.code == "m" and event.data.startswith(SCREENSHOT):
            # the cast may come from a container that ran somebody's commands: its names are made safe once more
            name = picture_name(event.data.removeprefix(SCREENSHOT).removeprefix("screenshot-"))
            canvas.update(screen)
            with replacing(folder.path / name) as temporary:
                Image.fromarray(canvas.pixels).save(temporary, format="PNG")
            names.append(name)
    return names
