"""Draws a terminal session: its cast, any number of frames a second, exactly and faster than it happened.

A frame at time t is the screen after all output up to t, so t0 = t1 = t. Only cells that differ are copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collector.encoder import Encoder
from collector.terminal.cast import Cast, open_cast, parse_size
from collector.terminal.geometry import CELL_HEIGHT, CELL_WIDTH, frame_size
from collector.terminal.glyphs import Tiles
from collector.terminal.screen import BACKGROUND, Cell, Cursor, Look, Screen
from manifests.errors import GoaltraceError
from manifests.files import append_jsonl, raise_if_full, replacing
from manifests.session import Frame, SessionFolder

Box = tuple[int, int, int, int]
_BLANK = Cell("", Look(fg=BACKGROUND, bg=BACKGROUND))
_MAX_FRAMES = 10_000_000


class Canvas:
    """The picture of a screen, kept up to date cell by cell. `pixels` is uint8 RGB [height, width, 3]."""

    def __init__(self, columns: int, rows: int) -> None:
        width, height = frame_size(columns, rows)
        self.pixels: NDArray[np.uint8] = np.empty((height, width, 3), dtype=np.uint8)
        self._tiles = Tiles()
        self._shown: NDArray[np.int64] = np.empty((rows, columns), dtype=np.int64)
        self._cells: list[tuple[list[Cell], NDArray[np.int64]] | None] = [None] * rows
        self._cursor = Cursor(-1, -1, None)
        self._fill()

    def update(self, screen: Screen) -> tuple[float, Box | None]:
        """Draw what changed in `screen`; returns the share of pixels that differ, and their cells' box in px."""
        columns, rows = screen.size
        touched = set()
        for y, kinds, which in screen.changed_rows():
            if y < len(self._cells):
                self._cells[y] = (kinds, which)
                touched.add(y)
        for y in range(rows, len(self._cells)):  # below a screen that was made smaller
            if self._cells[y] is not None:
                self._cells[y] = None
                touched.add(y)
        cursor = screen.cursor()
        if cursor != self._cursor:
            touched |= {y for y in (cursor.y, self._cursor.y) if 0 <= y < len(self._cells)}
            self._cursor = cursor
        if self._tiles.full:
            self._tiles.clear()
            self._fill()
            touched = set(range(len(self._cells)))
        return self._draw(sorted(touched), min(columns, self._shown.shape[1]))

    def cursor_px(self) -> tuple[int, int]:
        """Centre of the text cursor in px; (-1, -1) while it is hidden."""
        if self._cursor.shape is None:
            return -1, -1
        return (
            self._cursor.x * CELL_WIDTH + CELL_WIDTH // 2,
            self._cursor.y * CELL_HEIGHT + CELL_HEIGHT // 2,
        )

    def _fill(self) -> None:
        self._shown[:] = self._tiles.number(_BLANK)
        self.pixels[:] = BACKGROUND

    def _draw(self, touched: list[int], columns: int) -> tuple[float, Box | None]:
        differing = 0
        left, top, right, bottom = self._shown.shape[1], self._shown.shape[0], -1, -1
        for y in touched:
            numbers = self._numbers(y, columns)
            xs = np.flatnonzero(numbers != self._shown[y])
            if not len(xs):
                continue
            row = self.pixels[y * CELL_HEIGHT : (y + 1) * CELL_HEIGHT].reshape(CELL_HEIGHT, -1, CELL_WIDTH, 3)
            new = self._tiles.pixels[numbers[xs]].transpose(1, 0, 2, 3)
            changed = (row[:, xs] != new).any(axis=3)
            row[:, xs] = new
            self._shown[y] = numbers
            seen = xs[changed.any(axis=(0, 2))]
            if len(seen):
                differing += int(np.count_nonzero(changed))
                left, right = min(left, int(seen[0])), max(right, int(seen[-1]))
                top, bottom = min(top, y), y
        if right < 0:
            return 0.0, None
        box = (
            left * CELL_WIDTH, top * CELL_HEIGHT,
            (right - left + 1) * CELL_WIDTH, (bottom - top + 1) * CELL_HEIGHT,
        )  # fmt: skip
        return differing / (self.pixels.shape[0] * self.pixels.shape[1]), box

    def _numbers(self, y: int, columns: int) -> NDArray[np.int64]:
        """Tile numbers of a row: its cells, the cursor on one of them, blank beyond the screen's edge."""
        numbers = np.full(self._shown.shape[1], self._tiles.number(_BLANK))
        stored = self._cells[y]
        if stored is None:
            return numbers
        kinds, which = stored
        count = min(columns, len(which))
        numbers[:count] = np.array([self._tiles.number(cell) for cell in kinds])[which[:count]]
        if y == self._cursor.y and self._cursor.shape and self._cursor.x < count:
            numbers[self._cursor.x] = self._tiles.number(kinds[which[self._cursor.x]], self._cursor.shape)
        return numbers


def render_cast(cast: Cast, fps: float, end_ns: int) -> Iterator[tuple[Frame, NDArray[np.uint8]]]:
    """The frames of a cast at k / fps seconds from 0 to `end_ns`, with their pixels: uint8 RGB [height, width, 3].

    The array is the same each time and changes with the next frame. A picture has the largest size that the
    terminal takes; smaller screens are padded with the background at the right and below.
    """
    columns, rows = largest_size(cast)
    canvas = Canvas(columns, rows)
    screen = Screen(cast.columns, cast.rows)
    events = cast.events()
    event = next(events, None)
    for index in range(int(end_ns * fps // 10**9) + 1):
        tick = round(index * 10**9 / fps)
        output: list[str] = []
        while event is not None and event.t_ns <= tick:
            if event.code == "o":
                output.append(event.data)
            elif event.code == "r":
                screen.feed("".join(output))
                output.clear()
                screen.resize(*parse_size(event.data, str(cast.path)))
            event = next(events, None)
        if output:
            screen.feed("".join(output))
        changed, box = canvas.update(screen)
        x, y = canvas.cursor_px()
        frame = Frame(index=index, t0_ns=tick, t1_ns=tick, changed=changed, box=box, cursor_x=x, cursor_y=y)
        yield frame, canvas.pixels


def largest_size(cast: Cast) -> tuple[int, int]:
    """The most columns and the most rows that the terminal has at any time."""
    columns, rows = cast.columns, cast.rows
    for event in cast.events():
        if event.code == "r":
            wide, high = parse_size(event.data, str(cast.path))
            columns, rows = max(columns, wide), max(rows, high)
    return columns, rows


def session_end(cast: Cast, duration_ns: int) -> int:
    """When the terminal's shell ended; else the session's end as its manifest has it, or the last event's time."""
    last = 0
    for event in cast.events():
        last = event.t_ns
        if event.code == "x":
            return last
    return max(last, duration_ns)


def render_session(folder: SessionFolder, fps: float) -> None:
    """Draw a recorded terminal session: writes screen.mkv and frames.jsonl and updates session.json.

    Frames cover the session from 0 until its shell ended. Raises `GoaltraceError` for a cast that cannot be read,
    a missing ffmpeg or a full disk; then the session is left as it was.
    """
    if not fps > 0:
        raise GoaltraceError(f"fps {fps}: must be more than 0")
    manifest = folder.read_manifest()
    cast = open_cast(folder.cast)
    end_ns = session_end(cast, manifest.duration_ns)
    if end_ns * fps / 10**9 > _MAX_FRAMES:
        raise GoaltraceError(f"{folder.path}: more than {_MAX_FRAMES:,} frames; ask for fewer a second with --fps")
    width, height = frame_size(*largest_size(cast))
    try:
        with replacing(folder.screen) as video, replacing(folder.frames_path) as log:
            count = _write(cast, fps, end_ns, video, log)
    except OSError as error:
        raise_if_full(error, folder.path)
        raise
    folder.write_manifest(manifest.model_copy(update={"width": width, "height": height, "fps": fps, "frames": count}))


def _write(cast: Cast, fps: float, end_ns: int, video: Path, log: Path) -> int:
    frames: list[Frame] = []
    written = 0
    width, height = frame_size(*largest_size(cast))
    with Encoder(video, width, height) as encoder:
        for frame, pixels in render_cast(cast, fps, end_ns):
            picture = encoder.show(pixels.data, frame.t1_ns, changed=frame.changed > 0)
            frames.append(frame.model_copy(update={"picture": picture}))
            if len(frames) == 1000:
                append_jsonl(log, frames)
                written, frames = written + len(frames), []
    append_jsonl(log, frames)
    return written + len(frames)
