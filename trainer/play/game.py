"""One play: the true frames that a held-out clip begins with, then frames that the model makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.actions import Actions
from trainer.actions.places import place_slots
from trainer.codec import Codec
from trainer.codec.still import decode_after
from trainer.data.clip import Clip
from trainer.data.cursor import Letterbox, render_map
from trainer.data.store import ClipStore
from trainer.inference.sample import Stream
from trainer.inputs import ModelInputs
from trainer.model.world import WorldModel
from trainer.play.film import PlayFilm, png
from trainer.play.live import Live
from trainer.play.person import PersonInput, PlayedAction
from trainer.settings.config import Config

DECODED_BEFORE = 2  # latent frames that a codec over time is shown again, to decode the next


@dataclass(frozen=True)
class PlayableModel:
    """A model with what it takes to play it."""

    model: WorldModel
    codec: Codec
    config: Config
    store: ClipStore
    inputs: ModelInputs

    def require_text(self, goal: str) -> None:
        """`GoaltraceError` when this model cannot be given that goal."""
        blank = np.zeros((1, 1, 1, 1), np.float32)
        self.inputs.conditions(blank, blank, blank[..., 0], [goal])

    @property
    def given(self) -> int:
        """True frames that a play begins with: they fill the context."""
        return 1 + (max(1, self.config.sample.context) - 1) * self.config.codec.time


@dataclass(frozen=True)
class ShownFrame:
    """One frame for the page."""

    number: int
    """Counted from the play's first true frame."""
    given: bool
    """A true frame, not one of the model's."""
    picture: bytes
    """PNG."""
    recorded: bytes | None
    """The clip's own frame beside it, in a replay."""
    done: list[PlayedAction]
    """What was done on the way to it."""


class Game:
    """One play of one clip; a new start is a new object. Not safe for several threads at once."""

    def __init__(self, player: PlayableModel, clip: Clip, goal: str, seed: int, replay: bool) -> None:
        """replay: the model is given the clip's own actions, and nothing that a person does."""
        self.clip, self.goal, self.replay = clip, goal, replay
        self._player, self._config = player, player.config
        self._data = player.store.get(clip)
        self._start = first_frame(clip, player.given)
        source = (int(clip.row["width"]), int(clip.row["height"]))
        height, width = self._data.frames.shape[1:3]
        self._size = (width, height)
        box = Letterbox.fit(source, self._size)
        last = clip.frames[self._start + player.given - 1]
        self.person = PersonInput(str(clip.row["kind"]), source, box)
        self.live = Live(clip.row, last, player.config, box)
        self.film = PlayFilm()
        self.made = 0
        """Frames of the model."""
        self._own = _by_frame(clip)
        self._stream = Stream(player.model, player.config, seed)
        self._latents: list[Tensor] = []
        self.latest = self._open()
        """What a page that comes now is to see: the true frames, or the last of the model's."""

    @property
    def left(self) -> int | None:
        """Recorded frames that a replay has left; None: the person may go on for ever."""
        if not self.replay:
            return None
        return len(self._data.frames) - self._start - self._player.given - self.made

    def next(self, ends_ns: Sequence[int]) -> list[ShownFrame]:
        """Make the next latent frame: as many frames as the codec packs into one.

        Args:
            ends_ns: when the last frame and each of the next ends, as `Live.advance` takes it.
        """
        count = self._config.codec.time
        first = self._start + self._player.given + self.made
        if self.replay:
            part = slice(first, first + count)
            actions, points = self._data.actions[part], self._data.pointer[part]
            done = [action for number in range(first, first + count) for action in self._own.get(number, [])]
            done = [{**action, "frame": action["frame"] - first + 1} for action in done]
        else:
            actions, points, done = self.live.advance(ends_ns)
        made = self._make(actions, points)
        beside = self._data.frames[first : first + count] if self.replay else None
        shown = self._show(made, done, beside)
        self.made += count
        self.latest = shown[-1:]
        return shown

    def _open(self) -> list[ShownFrame]:
        """Show the model the true frames."""
        part = slice(self._start, self._start + self._player.given)
        frames, data = self._data.frames[part], self._data
        device = next(self._player.model.parameters()).device
        true = torch.from_numpy(frames)[None].to(device)
        latents = self._player.codec.encode(true)
        maps = data.maps(part.start, part.stop)
        conditions = self._player.inputs.conditions(
            data.actions[part][None], maps[None], data.pointer[part][None], [self.goal]
        )
        self._stream.show(latents, conditions)
        self._true, self._true_latent = true[:, -1:], latents[:, :, -1:]
        self._latents = list(torch.split(latents, 1, dim=2))[-DECODED_BEFORE:]
        beside = frames if self.replay else None
        return self._show(frames, [], beside, given=True)

    def _make(self, actions: Actions, points: NDArray[np.float32]) -> NDArray[np.uint8]:
        """uint8 [codec.time, height, width, 3] from what was done on the way to each of them."""
        maps = render_map(points, self._data.scale, self._size)
        conditions = self._player.inputs.conditions(actions[None], maps[None], points[None], [self.goal])
        latent = self._stream.next(conditions)
        if not bool(torch.isfinite(latent).all()):
            raise GoaltraceError("the model's frame is not finite; start again, or play an earlier checkpoint")
        count = self._config.codec.time
        seen = [self._true_latent, latent] if count == 1 else [*self._latents, latent]
        self._latents = [*self._latents, latent][-DECODED_BEFORE:]
        pixels = decode_after(self._player.codec, torch.cat(seen, dim=2), self._true)[0, -count:]
        return (pixels.clamp(0, 1) * 255).round().byte().cpu().numpy()

    def _show(
        self, frames: NDArray[np.uint8], done: list[PlayedAction], beside: NDArray[np.uint8] | None, given: bool = False
    ) -> list[ShownFrame]:
        shown = []
        before = 0 if given else self._player.given + self.made
        for k, frame in enumerate(frames):
            mine: list[PlayedAction] = [{**action, "frame": before + k} for action in done if action["frame"] == k + 1]
            recorded = None if beside is None else png(beside[k])
            shown.append(ShownFrame(before + k, given, png(frame), recorded, mine))
            self.film.add(shown[-1].picture, mine)
        return shown


def first_frame(clip: Clip, given: int) -> int:
    """Where a play of the clip begins: its first `given` frames in a row of which none was left blank on purpose.

    Raises `GoaltraceError` where there are none with a frame behind them.
    """
    blank = clip.blank()
    for start in range(len(blank) - given):
        if not blank[start : start + given].any():
            return start
    raise GoaltraceError(f"clip {clip.id}: too short or too much of it left blank to play; it takes {given + 1} frames")


def _by_frame(clip: Clip) -> dict[int, list[PlayedAction]]:
    """The clip's own actions by the model's frame that they lead to, which is also their `frame`."""
    found: dict[int, list[PlayedAction]] = {}
    actions = clip.row["actions"]
    for action, place in zip(actions, place_slots([a["slot"] for a in actions], clip.frames, 1), strict=True):
        if place is not None:
            found.setdefault(place[0], []).append({**action, "frame": place[0]})
    return found


def spaced(start_ns: int, end_ns: int, count: int) -> list[int]:
    """count + 1 times, evenly from start to end, increasing."""
    times = [start_ns + (end_ns - start_ns) * k // count for k in range(count + 1)]
    return [times[0], *(max(b, a + 1) for a, b in pairwise(times))]
