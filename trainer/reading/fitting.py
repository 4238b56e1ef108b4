"""The text reader's lessons: cells of true training frames at their recorded size, and what the codec does to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from manifests.errors import GoaltraceError
from manifests.video import iter_frames
from trainer.codec import through
from trainer.data.bad import BadVideo
from trainer.data.clip import Clip
from trainer.reading.screens import BLANK, UNDER_CURSOR, UNKNOWN, ScreenGrid, cell_size, cells_of
from trainer.reading.text import TextReader
from trainer.settings.config import Config

if TYPE_CHECKING:
    from trainer.codec.base import Codec
    from trainer.data.windows import ClipStore

CLIPS = 64
SCREENS = 4  # of each clip
SAME = 6  # cells of one character that one screen gives
USUAL = 100  # cells of each screen, whatever is in them
LEAST_CHARACTERS, LEAST_CELLS = 20, 300


def fit_text_reader(
    store: ClipStore,
    clips: list[Clip],
    codec: Codec,
    device: torch.device,
    config: Config,
    seed: int,
    on_step: Callable[[], None],
) -> TextReader | None:
    """A reader fitted to true frames of terminal clips; None where there is too little text, or reader_steps is 0.

    Closed form: takes seconds. The seed says which cells it learns from. Clips of another cell size than most are
    left out.
    """
    usable = [clip for clip in clips if clip.row["kind"] == "terminal" and len(clip.frames)]
    if not usable or not config.train.reader_steps:
        return None
    cell = Counter(cell_size(clip.row) for clip in usable).most_common(1)[0][0]
    usable = [clip for clip in usable if cell_size(clip.row) == cell]
    chosen = [usable[i] for i in np.linspace(0, len(usable) - 1, min(CLIPS, len(usable))).astype(int)]
    rng = np.random.default_rng(seed)
    pictures, numbers, around = [], [], []
    for clip in chosen:
        for screen, cells in _screens(store, clip, cell):
            on_step()
            for number in np.unique(cells[cells != UNKNOWN]):
                places = np.argwhere(cells == number)
                picked = places[rng.permutation(len(places))[:SAME]]
                pictures.append(screen[picked[:, 0], picked[:, 1]])
                numbers.append(np.full(len(picked), number))
            flat = screen.reshape(-1, *screen.shape[2:])
            around.append(flat[rng.integers(0, len(flat), USUAL)])
    if not numbers:
        return None
    labels = np.concatenate(numbers)
    inked = labels[labels % UNDER_CURSOR != BLANK] % UNDER_CURSOR
    if len(np.unique(inked)) < LEAST_CHARACTERS or len(inked) < LEAST_CELLS:
        return None
    noise = _codec_error(store, chosen, codec, device)
    return TextReader.fit(np.concatenate(pictures), labels, np.concatenate(around), noise)


def _screens(store: ClipStore, clip: Clip, cell: tuple[int, int]) -> list[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Some screens of a clip, uint8 [rows, columns, cell height, cell width, 3], and their characters' numbers."""
    stored = store.reader.read(clip.id, ["video", "picture", "screen_text"])
    texts, row = stored["screen_text"], clip.row
    known = [frame for frame, blank in zip(clip.frames, clip.blank(), strict=True) if not blank]
    if not texts or not known or max(stored["picture"]) >= len(texts):
        return []
    grid = ScreenGrid.of(row, (int(row["width"]), int(row["height"])))
    wanted = {known[i] for i in np.linspace(0, len(known) - 1, min(SCREENS, len(known))).astype(int)}
    made = []
    with store.left_out.skipping():
        frames = iter_frames(stored["video"]["bytes"], (row["width"], row["height"]), stored["picture"])
        for number, image in enumerate(_decoded(clip, frames)):
            if number in wanted:
                parts = image.reshape(grid.rows, cell[1], grid.columns, cell[0], 3).swapaxes(1, 2)
                cells = cells_of(texts[stored["picture"][number]], grid.columns, grid.rows)
                x, y = row["cursor_x"][number] // cell[0], row["cursor_y"][number] // cell[1]
                if 0 <= x < grid.columns and 0 <= y < grid.rows and cells[y, x] != UNKNOWN:
                    cells[y, x] += UNDER_CURSOR
                made.append((parts.copy(), cells))
    return made


def _decoded(clip: Clip, frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    try:
        yield from frames
    except GoaltraceError as error:
        raise BadVideo(clip.id, error) from None


def _codec_error(store: ClipStore, clips: list[Clip], codec: Codec, device: torch.device, count: int = 8) -> float:
    """Mean squared error of the codec, px in 0..1, where a few of the clips' frames differ from their background."""
    total = number = 0.0
    for clip in [clips[i] for i in np.linspace(0, len(clips) - 1, min(count, len(clips))).astype(int)]:
        with store.left_out.skipping():
            frames = torch.from_numpy(store.get(clip).frames[-1:])
            exact = frames.float() / 255
            error = (through(codec, frames, device).float() / 255 - exact) ** 2
            ink = (exact - exact.flatten(0, 2).median(dim=0).values).abs().amax(dim=-1) > 0.1
            total, number = total + float(error[ink].mean(dim=-1).sum()), number + float(ink.sum())
    return total / number if number else 0.0
