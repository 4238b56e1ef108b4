"""Draws a terminal session: its cast, any number of frames a second, exactly and faster than it happened.

A frame at time t is the screen after all output up to t, so t0 = t1 = t. A tick without output costs next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from collector.terminal.canvas import Box, Canvas
from collector.terminal.cast import Cast, CastEvent, open_cast, parse_size
from collector.terminal.geometry import frame_size
from collector.terminal.glyphs import AS_USUAL, Appearance
from collector.terminal.screen import Screen
from collector.terminal.session_look import appearance_of
from collector.terminal.themes import DEFAULT, theme_of_header
from collector.terminal.work_limit import require_drawable
from collector.video.film import Film
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full, replacing
from manifests.session import FOREVER_NS, SessionFolder, TerminalLook, pauses
from manifests.videofile import picture_fits

_MAX_FRAMES = 10_000_000
_BATCH_CHARS = 2**20
_NOTHING = (0, 0, 0, 0)
_tuple = tuple.__new__  # makes a named tuple in half the time of its own constructor


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
    resizes: int = 0


def render_cast(
    cast: Cast, extent: Extent, fps: float, paused: Sequence[tuple[int, int]] = (), look: Appearance = AS_USUAL
) -> Iterator[tuple[Tick, Canvas]]:
    """The frames of a cast at k / fps seconds from 0 to its end, each with the canvas that shows it.
    There are none inside `paused`, spans [begin, end) in ns.

    The canvas is the same each time and changes with the next frame. A picture has the largest size that the
    terminal takes; smaller screens are padded with the background at the right and below.
    """
    look = look._replace(theme=look.theme or theme_of_header(cast.header))
    canvas = Canvas(extent.columns, extent.rows, look)
    screen = Screen(cast.columns, cast.rows, look.theme or DEFAULT)
    outputs = _Outputs(cast, screen)
    index = 0
    x = y = -1
    fed = True
    next_ns = outputs.next_ns
    for number in range(int(extent.end_ns * fps // 10**9) + 1):
        tick = round(number * 10**9 / fps)
        if next_ns <= tick:
            fed = outputs.feed(tick) or fed
            next_ns = outputs.next_ns
        if paused and any(begin <= tick < end for begin, end in paused):
            continue
        if fed:
            changed, box = canvas.update(screen)
            x, y = canvas.cursor_px()
            fed = False
            yield Tick(index, tick, changed, box, x, y), canvas
        else:
            yield _tuple(Tick, (index, tick, 0.0, None, x, y)), canvas
        index += 1


class _Outputs:
    """A cast's outputs, fed to a screen in order of time."""

    def __init__(self, cast: Cast, screen: Screen) -> None:
        self._screen = screen
        self._where = str(cast.path)
        self._events = cast.events()
        self._event: CastEvent | None = None
        self.next_ns = 0
        """When the next event is; `FOREVER_NS` after the last."""
        self._step()

    def feed(self, t_ns: int) -> bool:
        """Everything up to `t_ns`; whether the screen may have changed."""
        output: list[str] = []
        size, fed = 0, False
        while self._event is not None and self._event.t_ns <= t_ns:
            code, data = self._event.code, self._event.data
            if code == "o":
                output.append(data)
                size += len(data)
            if output and (code == "r" or size > _BATCH_CHARS):
                self._screen.feed("".join(output))
                output, size, fed = [], 0, True
            if code == "r":
                self._screen.resize(*parse_size(data, self._where))
                fed = True
            self._step()
        if output:
            self._screen.feed("".join(output))
        return fed or bool(output)

    def _step(self) -> None:
        self._event = next(self._events, None)
        self.next_ns = FOREVER_NS if self._event is None else self._event.t_ns


def extent_of(cast: Cast, duration_ns: int = 0, after_ns: int = 0) -> Extent:
    """Reads a cast once. It ends with its last event or after `duration_ns`; or `after_ns` after its shell ended."""
    columns, rows, last, resizes = cast.columns, cast.rows, 0, 0
    ended: int | None = None
    for event in cast.events():
        last = event.t_ns
        if ended is not None:
            continue
        if event.code == "r":
            wide, high = parse_size(event.data, str(cast.path))
            columns, rows, resizes = max(columns, wide), max(rows, high), resizes + 1
        elif event.code == "x":
            ended = last
    end_ns = max(last, duration_ns)
    return Extent(columns, rows, end_ns if ended is None else min(end_ns, ended + after_ns), resizes)


def largest_size(cast: Cast) -> tuple[int, int]:
    """The most columns and the most rows that the terminal has at any time."""
    return extent_of(cast)[:2]


def render_session(folder: SessionFolder, fps: float, look: TerminalLook | None = None) -> None:
    """Draw a recorded terminal session: writes screen.mkv and frames.jsonl and updates session.json.

    Without a `look` it is drawn as it was before, else as usual. Frames cover the session from 0 to the one that
    shows how its shell ended. Raises `GoaltraceError` for a cast or a font that cannot be read, or a full disk; then
    the session is left as it was.
    """
    if not fps > 0:
        raise GoaltraceError(f"fps {fps}: must be more than 0")
    manifest = folder.read_manifest()
    look = look or manifest.look or TerminalLook()
    appearance = appearance_of(look, str(folder.manifest_path))
    cast = open_cast(folder.cast)
    extent = extent_of(cast, manifest.duration_ns, math.ceil(10**9 / fps) - 1)  # the frame that shows the last output
    if extent.end_ns * fps / 10**9 > _MAX_FRAMES:
        raise GoaltraceError(f"{folder.path}: more than {_MAX_FRAMES:,} frames; ask for fewer a second with --fps")
    width, height = frame_size(extent.columns, extent.rows, appearance.cell)
    if not picture_fits(width, height):
        raise GoaltraceError(f"{folder.path}: frames of {width}x{height} px are too large; ask for a smaller --cell")
    pictures = int(extent.end_ns // 10**9) + 1
    require_drawable(str(folder.path), folder.cast.stat().st_size, pictures, extent.resizes, width, height)
    frames = render_cast(cast, extent, fps, pauses(folder.events()), appearance)
    try:
        with replacing(folder.screen) as video, replacing(folder.frames_path) as log:
            count = _write(frames, Film(video, width, height, fps), log)
    except OSError as error:
        raise_if_full(error, folder.path)
        raise
    drawn = {"width": width, "height": height, "fps": fps, "frames": count, "look": look}
    folder.write_manifest(manifest.model_copy(update=drawn))


def _write(frames: Iterable[tuple[Tick, Canvas]], film: Film, log: Path) -> int:
    """Encode the frames and log them; how many there are."""
    count = picture = 0
    with film, log.open("w", encoding="utf-8") as out:
        for tick, canvas in frames:
            if tick.changed or film.key_due(tick.t_ns):
                picture = film.show(canvas.packed, tick.t_ns, tick.box or _NOTHING)
            out.write(tick.line(picture))
            count += 1
    return count
