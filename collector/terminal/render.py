"""Draws a terminal session: its cast, any number of frames a second, exactly and faster than it happened.

A frame at time t is the screen after all output up to t, so t0 = t1 = t. A tick without output costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from collector.film import Film
from collector.terminal.canvas import Box, Canvas
from collector.terminal.cast import Cast, open_cast, parse_size
from collector.terminal.geometry import frame_size
from collector.terminal.glyphs import AS_USUAL, Appearance
from collector.terminal.screen import Screen
from collector.terminal.themes import DEFAULT, theme_of_cast
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full, replacing
from manifests.session import SessionFolder, pauses

_MAX_FRAMES = 10_000_000
_BATCH_CHARS = 2**20


class Tick(NamedTuple):
    """One frame of a drawn terminal."""

    number: int
    t_ns: int
    changed: float
    """Share of pixels that differ from the tick before."""
    box: Box | None
    cursor_x: int
    cursor_y: int
    """The text cursor's centre in px; -1 while it is hidden."""

    def line(self, picture: int) -> str:
        """Its line of frames.jsonl, as `manifests.session.Frame` is written: a long session has a million of them."""
        box = f'"box":[{",".join(map(str, self.box))}],' if self.box else ""
        return (
            f'{{"index":{self.number},"t0_ns":{self.t_ns},"t1_ns":{self.t_ns},"changed":{self.changed!r},{box}'
            f'"cursor_x":{self.cursor_x},"cursor_y":{self.cursor_y},"picture":{picture},'
            f'"redacted":false,"dropped_before":0}}\n'
        )


class Extent(NamedTuple):
    """What has to be known of a cast before it is drawn: its largest size and when it ends."""

    columns: int
    rows: int
    end_ns: int


def render_cast(
    cast: Cast, extent: Extent, fps: float, paused: Sequence[tuple[int, int]] = (), look: Appearance = AS_USUAL
) -> Iterator[tuple[Tick, Canvas]]:
    """The frames of a cast at k / fps seconds from 0 to its end, each with the canvas that shows it.
    There are none inside `paused`, spans [begin, end) in ns.

    The canvas is the same each time and changes with the next frame. A picture has the largest size that the
    terminal takes; smaller screens are padded with the background at the right and below.
    """
    look = look._replace(theme=look.theme or theme_of_cast(cast.path))
    canvas = Canvas(extent.columns, extent.rows, look)
    screen = Screen(cast.columns, cast.rows, look.theme or DEFAULT)
    events = cast.events()
    event = next(events, None)
    index = 0
    x = y = -1
    fed = True
    for number in range(int(extent.end_ns * fps // 10**9) + 1):
        tick = round(number * 10**9 / fps)
        output: list[str] = []
        size = 0
        while event is not None and event.t_ns <= tick:
            if event.code == "o":
                output.append(event.data)
                size += len(event.data)
            if output and (event.code == "r" or size > _BATCH_CHARS):
                screen.feed("".join(output))
                output, size, fed = [], 0, True
            if event.code == "r":
                screen.resize(*parse_size(event.data, str(cast.path)))
                fed = True
            event = next(events, None)
        if output:
            screen.feed("".join(output))
            fed = True
        if paused and any(begin <= tick < end for begin, end in paused):
            continue
        changed, box = 0.0, None
        if fed:
            changed, box = canvas.update(screen)
            x, y = canvas.cursor_px()
            fed = False
        yield Tick(index, tick, changed, box, x, y), canvas
        index += 1


def extent_of(cast: Cast, duration_ns: int = 0) -> Extent:
    """Reads a cast once. It ends when the shell ended; else with its last event or after `duration_ns`."""
    columns, rows, last = cast.columns, cast.rows, 0
    for event in cast.events():
        last = event.t_ns
        if event.code == "r":
            wide, high = parse_size(event.data, str(cast.path))
            columns, rows = max(columns, wide), max(rows, high)
        elif event.code == "x":
            return Extent(columns, rows, last)
    return Extent(columns, rows, max(last, duration_ns))


def largest_size(cast: Cast) -> tuple[int, int]:
    """The most columns and the most rows that the terminal has at any time."""
    return extent_of(cast)[:2]


def render_session(folder: SessionFolder, fps: float, look: Appearance = AS_USUAL) -> None:
    """Draw a recorded terminal session: writes screen.mkv and frames.jsonl and updates session.json.

    Frames cover the session from 0 until its shell ended. Raises `GoaltraceError` for a cast that cannot be read,
    or a full disk; then the session is left as it was.
    """
    if not fps > 0:
        raise GoaltraceError(f"fps {fps}: must be more than 0")
    manifest = folder.read_manifest()
    cast = open_cast(folder.cast)
    extent = extent_of(cast, manifest.duration_ns)
    if extent.end_ns * fps / 10**9 > _MAX_FRAMES:
        raise GoaltraceError(f"{folder.path}: more than {_MAX_FRAMES:,} frames; ask for fewer a second with --fps")
    width, height = frame_size(extent.columns, extent.rows, look.cell)
    frames = render_cast(cast, extent, fps, pauses(folder.events()), look)
    try:
        with replacing(folder.screen) as video, replacing(folder.frames_path) as log:
            count = _write(frames, Film(video, width, height, fps), log)
    except OSError as error:
        raise_if_full(error, folder.path)
        raise
    folder.write_manifest(manifest.model_copy(update={"width": width, "height": height, "fps": fps, "frames": count}))


def _write(frames: Iterable[tuple[Tick, Canvas]], film: Film, log: Path) -> int:
    """Encode the frames and log them; how many there are."""
    count = picture = 0
    with film, log.open("w", encoding="utf-8") as out:
        for tick, canvas in frames:
            if tick.changed or film.key_due(tick.t_ns):
                picture = film.show(canvas.packed, tick.t_ns)
            out.write(tick.line(picture))
            count += 1
    return count
