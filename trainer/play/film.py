"""What was played, kept in bounded memory and written as a video, an animation and the actions."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from manifests.errors import GoaltraceError
from manifests.files import new_folder, write_json
from manifests.provenance import NAME, write_provenance
from trainer.inference.movie import write_mp4
from trainer.play.person import PlayedAction

MOST_BYTES = 256 * 2**20  # of pictures
GIF_FRAMES = 600  # a longer play is written as a video only


@dataclass
class PlayFilm:
    """The frames of a play as PNG, and its actions; the oldest go when there are too many."""

    pictures: deque[bytes] = field(default_factory=deque)
    actions: deque[PlayedAction] = field(default_factory=deque)
    first: int = 0
    """The number of the first frame that is kept."""
    size: int = 0

    def add(self, picture: bytes, actions: Iterable[PlayedAction]) -> None:
        """One more frame, and what was done on the way to it (each with the frame's number as `frame`)."""
        self.pictures.append(picture)
        self.actions.extend(actions)
        self.size += len(picture)
        while self.size > MOST_BYTES and len(self.pictures) > 1:
            self.size -= len(self.pictures.popleft())
            self.first += 1
            while self.actions and self.actions[0]["frame"] < self.first:
                self.actions.popleft()

    def copy(self) -> PlayFilm:
        return PlayFilm(self.pictures.copy(), self.actions.copy(), self.first, self.size)


def save_film(film: PlayFilm, folder: Path, fps: float, about: dict[str, Any], session: str) -> list[str]:
    """Write played.mp4, played.gif (of short plays), actions.jsonl and play.json into a new folder; their names.

    `session`: whose frames it began with.

    Raises `GoaltraceError` when nothing was played, the folder exists or the disk is full.
    """
    if not film.pictures:
        raise GoaltraceError("nothing has been played yet")
    with new_folder(folder) as out:
        write_mp4(out / "played.mp4", _images(film), fps)
        if len(film.pictures) <= GIF_FRAMES:
            _write_gif(out / "played.gif", _images(film), fps)
        with (out / "actions.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(action) + "\n" for action in film.actions)
        kept = {"frames": len(film.pictures), "first_frame": film.first, "fps": fps}
        write_json(out / "play.json", {**about, **kept})
        write_provenance(out / NAME, "play", [session])
        return sorted(path.name for path in out.iterdir())


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """uint8 [height, width, 3] as PNG, quickly rather than small."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def _images(film: PlayFilm) -> Iterator[Image.Image]:
    for picture in film.pictures:
        yield Image.open(io.BytesIO(picture)).convert("RGB")


def _write_gif(path: Path, images: Iterable[Image.Image], fps: float) -> None:
    first, *rest = [image.quantize(256, dither=Image.Dither.NONE) for image in images]
    first.save(path, format="GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)
