"""One pass over a clip's video: where the screen changed between frames, and the screen before each click.

The pointer's own drawing is neither a change nor structure: its surroundings are left out of every
difference, and the screen before a click is put together from the last pixels seen without it.
A frame left blank on purpose shows nothing: going blank and coming back are no changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.scores.action_slots import Click
from manifests.clip import ClipRow
from manifests.errors import GoaltraceError
from manifests.video import iter_frames

WORK_PX = 512  # longest side looked at: a typed letter still covers ~6 px of a 1024 px screen
CELL_PX = 8  # changes are counted per cell of this many work pixels
DIFFERENT = 48  # of 255, largest channel: H.264 at crf 18 moves a still screen by up to 40 at a key frame
POINTER_PX = (14, 14, 20, 26)  # left, up, right, down of the hot spot: covers a 24 px pointer of any shape
BeforeClick = Callable[[NDArray[np.uint8], NDArray[np.bool_], int, int], float]


@dataclass(frozen=True)
class Pixels:
    """What one pass over the video measured."""

    cells: NDArray[np.uint16]
    """Changed work pixels away from the pointer, [frames-1, rows, columns] of cells."""
    scale: float
    """Work pixels per recorded pixel."""
    click_ranks: list[float]
    """What `before_click` returned for each click, in order."""

    @property
    def totals(self) -> NDArray[np.int64]:
        """Changed work pixels between frames i and i+1, [frames-1]."""
        return np.asarray(self.cells.sum(axis=(1, 2)), np.int64)

    def near(self, x: int, y: int, radius_px: int, first: int, last: int) -> NDArray[np.int64]:
        """Changed work pixels within `radius_px` (recorded px, a square) of x, y, in steps first..last-1."""
        step = CELL_PX / self.scale
        left, right = int(max(0, x - radius_px) // step), int(max(0, x + radius_px) // step)
        top, bottom = int(max(0, y - radius_px) // step), int(max(0, y + radius_px) // step)
        return np.asarray(self.cells[first:last, top : bottom + 1, left : right + 1].sum(axis=(1, 2)), np.int64)


def read_pixels(row: ClipRow, clicks: list[Click], before_click: BeforeClick) -> Pixels:
    """Decode a clip once, at reduced size, two frames in memory at a time.

    `before_click(luma, known, x, y)` gets the screen before a click: luma uint8 [h, w] in work pixels,
    known bool [h, w] (False where the pointer has always hidden it), and the click in work pixels.

    Raises `GoaltraceError` when the video cannot be decoded or does not have the frames that the row names.
    """
    width, height, frames = row["width"], row["height"], len(row["t1_ns"])
    lists = {"cursor_x": row["cursor_x"], "cursor_y": row["cursor_y"], "picture": row["picture"]}
    for name, values in (lists | {"frame_redacted": row["frame_redacted"]}).items():
        if len(values) != frames:
            raise GoaltraceError(f"clip {row['clip_id']}: t1_ns and {name} differ in length; pack its session again")
    scale = min(1.0, WORK_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    hidden = _pointer_boxes(row, scale)
    waiting: dict[int, list[tuple[int, Click]]] = defaultdict(list)
    for order, click in enumerate(clicks):
        waiting[min(click.slot, frames - 1)].append((order, click))
    screen = np.zeros(size[::-1], np.uint8)
    known = np.zeros(size[::-1], np.bool_)
    cells: list[NDArray[np.uint16]] = []
    ranks = [0.5] * len(clicks)
    last: NDArray[np.uint8] | None = None
    still = np.zeros_like(_per_cell(known))
    blank = row["frame_redacted"]
    for count, image in enumerate(_images(row, size)):
        if last is not None and (image is last or blank[count - 1] or blank[count]):
            cells.append(still)
        elif last is not None:
            different = _different(image, last)
            for box in hidden[count - 1] + hidden[count]:
                different[box] = False
            cells.append(_per_cell(different))
        if clicks and not blank[count] and (image is not last or hidden[count] != hidden[count - 1]):
            clear = np.ones(size[::-1], np.bool_)
            for box in hidden[count]:
                clear[box] = False
            screen[clear] = _luma(image)[clear]
            known |= clear
        for order, click in waiting.get(count, ()):
            x = min(size[0] - 1, max(0, int(click.x * scale)))
            y = min(size[1] - 1, max(0, int(click.y * scale)))
            ranks[order] = before_click(screen, known, x, y)
        last = image
    return Pixels(np.stack(cells) if cells else np.zeros((0, *still.shape), np.uint16), scale, ranks)


def _images(row: ClipRow, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    try:
        yield from iter_frames(row["video"]["bytes"], size, row["picture"])
    except GoaltraceError as error:
        raise GoaltraceError(f"clip {row['clip_id']}: {error}") from None


def _different(image: NDArray[np.uint8], last: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where any channel differs by more than DIFFERENT, bool [h, w]."""
    if np.array_equal(image, last):  # an unchanged screen decodes to the same bytes
        return np.zeros(image.shape[:2], np.bool_)
    far = (np.maximum(image, last) - np.minimum(image, last)) > DIFFERENT
    return np.asarray(far[..., 0] | far[..., 1] | far[..., 2])


def _luma(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BT.601 luma of RGB, uint8 [h, w]."""
    wide = image.astype(np.uint16)
    return ((wide[..., 0] * 77 + wide[..., 1] * 150 + wide[..., 2] * 29) >> 8).astype(np.uint8)


def _per_cell(different: NDArray[np.bool_]) -> NDArray[np.uint16]:
    height, width = different.shape
    padded = np.pad(different, ((0, -height % CELL_PX), (0, -width % CELL_PX)))
    rows, columns = padded.shape[0] // CELL_PX, padded.shape[1] // CELL_PX
    return np.asarray(padded.reshape(rows, CELL_PX, columns, CELL_PX).sum(axis=(1, 3)), np.uint16)


def _pointer_boxes(row: ClipRow, scale: float) -> list[list[tuple[slice, slice]]]:
    """For each frame, the boxes that the pointer may be drawn in.

    The recorded position, and every position it had in the slot before the frame: the pointer may have been
    anywhere on that way when the pixels were read. A terminal's text cursor is not a pointer: the program
    moves it, so that it moves is an answer.
    """
    frames = len(row["t1_ns"])
    if row["kind"] == "terminal" or not row["cursor_in_pixels"]:
        return [[] for _ in range(frames)]
    places: list[set[tuple[int, int]]] = [set() for _ in range(frames)]
    for i, at in enumerate(zip(row["cursor_x"], row["cursor_y"], strict=True)):
        places[i].add(at)
    for action in row["actions"]:
        frame = action["slot"] + 1
        if 0 <= frame < frames and action["x"] is not None and action["y"] is not None:
            places[frame].add((action["x"], action["y"]))
    left, up, right, down = POINTER_PX
    larger = max(1.0, row["height"] / 1080)
    return [
        [
            (
                slice(max(0, int((y - up * larger) * scale)), max(0, int((y + down * larger) * scale) + 1)),
                slice(max(0, int((x - left * larger) * scale)), max(0, int((x + right * larger) * scale) + 1)),
            )
            for x, y in sorted(spots)
            if x >= 0 and y >= 0
        ]
        for spots in places
    ]
