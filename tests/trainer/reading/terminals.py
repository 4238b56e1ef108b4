"""Terminal clips drawn with Pillow's own font: text that is known cell by cell."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from manifests.clip_io import ClipWriter
from manifests.dataset import ClipCounter, DatasetFolder, DatasetManifest, LineageStep
from manifests.files import new_folder
from tests.factories import FPS, encode, make_clip

COLUMNS, ROWS, CELL = 32, 6, (8, 16)
PAPER, INK = (24, 26, 30), (214, 216, 220)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-./~$"


@cache
def glyph(character: str, inverse: bool = False) -> NDArray[np.uint8]:
    """One cell, uint8 [16, 8, 3]."""
    paper, ink = (INK, PAPER) if inverse else (PAPER, INK)
    image = Image.new("RGB", CELL, paper)
    ImageDraw.Draw(image).text((1, 2), character, ink, ImageFont.load_default_imagefont())
    return np.asarray(image).copy()


def draw(
    text: str, cursor: tuple[int, int] | None = None, columns: int = COLUMNS, rows: int = ROWS
) -> NDArray[np.uint8]:
    """A screen, uint8 [rows * 16, columns * 8, 3]; the cursor is (column, row)."""
    lines = [line.ljust(columns) for line in text.split("\n")]
    lines += [" " * columns] * (rows - len(lines))
    made = [[glyph(lines[r][c], (c, r) == cursor) for c in range(columns)] for r in range(rows)]
    return np.concatenate([np.concatenate(row, axis=1) for row in made])


def terminal_clip(seed: int, frames: int = 45, every: int = 3) -> dict[str, Any]:
    """A row: a screen of noise above a prompt at which a key is typed every few frames; it shows a frame later."""
    rng = random.Random(seed)
    lines = [
        "".join(rng.choice(LETTERS + "  ") for _ in range(rng.randrange(8, COLUMNS))).rstrip() for _ in range(ROWS - 1)
    ]
    row = make_clip("scripted", seed, frames)
    images, texts, cursor, actions, picture, typed = [], [], [], [], [], "$ "
    for i in range(frames):
        text = "\n".join([*lines, typed.rstrip()])
        if not texts or texts[-1] != text:
            texts.append(text)
            images.append(draw(text, (len(typed), ROWS - 1)))
        picture.append(len(texts) - 1)
        cursor.append((len(typed) * 8 + 4, (ROWS - 1) * 16 + 8))
        if i % every == 0 and len(typed) < COLUMNS - 1 and i < frames - 1:
            key = rng.choice(LETTERS)
            typed += key
            actions.append({**row["actions"][0], "kind": "key", "key": key, "char": key, "x": None, "y": None,
                            "button": None, "slot": i, "t_ns": row["t1_ns"][i] + 20_000_000})  # fmt: skip
    first = [picture.index(number) for number in range(len(images))]
    video = encode(np.stack(images), [row["pts"][i] for i in first])
    name = f"terminal-{seed}"
    return row | {
        "clip_id": f"{name}-0000", "session_id": name, "episode_id": name, "kind": "terminal", "picture": picture,
        "width": COLUMNS * 8, "height": ROWS * 16, "screen_text": texts, "cursor_in_pixels": False, "actions": actions,
        "cursor_x": [x for x, _ in cursor], "cursor_y": [y for _, y in cursor], "start_x": -1, "start_y": -1,
        "video": {"bytes": video, "path": f"{name}-0000.mp4"},
        "changed": [0.0] + [0.01 * (a != b) for a, b in zip(picture, picture[1:], strict=False)],
        "frame_redacted": [False] * frames,
    }  # fmt: skip


def terminal_dataset(path: Path, sessions: int = 5, desktops: int = 0) -> Path:
    """A data set of such clips, one a session, and of a few desktop clips."""
    counter = ClipCounter()
    with new_folder(path) as root:
        with ClipWriter(root) as writer:
            clips = [terminal_clip(seed) for seed in range(sessions)]
            for row in [*clips, *(make_clip("scripted", seed, 45) for seed in range(desktops))]:
                writer.write(row)
                counter.add(row)
        lineage = [LineageStep(command="tests.trainer.reading.terminals")]
        manifest = DatasetManifest(name=path.name, counts=counter.result(), shards=writer.shards, lineage=lineage)
        DatasetFolder(root).write_manifest(manifest)
    return path


assert FPS == 15
