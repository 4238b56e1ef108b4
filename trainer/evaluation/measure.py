"""One roll-out of one scene against the truth: for each figure, what every generated frame adds to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.actions import key_names, place_slots
from trainer.evaluation import metrics
from trainer.evaluation.fvd import FVD
from trainer.evaluation.scenes import Scene
from trainer.reading.changes import changed
from trainer.reading.moves import MOVED_PX
from trainer.reading.pointer import PointerReader
from trainer.reading.screens import BLANK, CHARACTERS, UNKNOWN, lines_of
from trainer.reading.text import TextReader

TEXT_FRAMES = 5
Counts = dict[str, NDArray[np.float64]]
"""Figure -> [2, n]: what each generated frame adds to its sum and to its count."""


@dataclass(frozen=True)
class Instruments:
    """What looks at generated frames besides arithmetic."""

    pointer: PointerReader | None = None
    text: TextReader | None = None
    lpips: Callable[[Tensor, Tensor], Tensor] | None = None
    fvd: FVD | None = None


def pixels(scene: Scene) -> Tensor:
    """The recorded frames, float [F, height, width, 3] in 0..1."""
    return torch.from_numpy(scene.frames).float() / 255


def measure(scene: Scene, video: Tensor, shown: Tensor, since: NDArray[np.int64], tools: Instruments) -> Counts:
    """Everything about the generated frames of `video`, float [F, height, width, 3].

    Args:
        shown: the frames that were given, as `video` has them (through the codec or not), at the places `since`.
        since: for each generated frame the number of the last frame before it that was given, [F - given].
    """
    counts = picture_counts(scene, video, shown, since, tools)
    counts |= read_counts(scene, video, shown, since, tools)
    after = after_actions(scene)
    for name in ("psnr", "ssim", "lpips"):
        if name in counts:
            counts[f"{name}_after"] = counts[name] * after[scene.given :]
    return counts


def picture_counts(scene: Scene, video: Tensor, shown: Tensor, since: NDArray[np.int64], tools: Instruments) -> Counts:
    """PSNR, SSIM, changed px and their F1, LPIPS."""
    truth = pixels(scene)
    made, real = video[scene.given :], truth[scene.given :]
    error = metrics.squared_error(made, real)
    counts = {"psnr": _counted(error), "ssim": _counted(metrics.ssim(made, real))}
    should = changed(real, truth[since])
    inside = ((made - real).pow(2).mean(dim=-1) * should).flatten(1).sum(dim=1)
    counts["psnr_changed"] = _stacked(inside, should.flatten(1).sum(dim=1))
    counts["changed_f1"] = _stacked(*metrics.overlap(changed(made, shown[since]), should))
    if tools.lpips is not None:
        counts["lpips"] = _counted(tools.lpips(made, real))
    return counts


def read_counts(scene: Scene, video: Tensor, shown: Tensor, since: NDArray[np.int64], tools: Instruments) -> Counts:
    """What the pointer reader and the text reader find."""
    counts: Counts = {}
    if tools.pointer is not None and scene.kind == "desktop":
        counts["cursor_px"] = cursor_counts(scene, video, shown, since, tools.pointer)
    grid, cells = scene.grid, scene.cells
    if tools.text is not None and grid is not None and cells is not None and grid.cell == tools.text.cell:
        read = tools.text.read(video[scene.given :], grid)
        counts |= text_counts(read, cells, since, scene.given)
        counts["text_typed"] = typed_counts(read, cells, typed_keys(scene), since, scene.given)
    return counts


def cursor_counts(
    scene: Scene, video: Tensor, shown: Tensor, since: NDArray[np.int64], reader: PointerReader
) -> NDArray[np.float64]:
    """Distance in px from the pointer that the reader finds to the recorded one, where that has moved since `since`."""
    out = np.zeros((2, scene.made))
    away = np.linalg.norm(scene.seen[scene.given :] - scene.seen[since], axis=1)
    moved = np.flatnonzero(away >= MOVED_PX)  # NaN is never >=
    if len(moved):
        found = reader.locate(video[scene.given + moved], shown[since[moved]]).numpy()
        out[0, moved] = np.linalg.norm(found - scene.seen[scene.given + moved], axis=1)
        out[1, moved] = 1
    return out


def text_counts(read: NDArray[np.int64], cells: NDArray[np.int64], since: NDArray[np.int64], given: int) -> Counts:
    """Characters [n, rows, columns] read in generated frames against the true ones [F, rows, columns]."""
    truth = cells[given:]
    new = (truth != cells[since]) & (truth != BLANK) & (truth != UNKNOWN) & (cells[since] != UNKNOWN)
    counts = {"text_cells": np.stack([(new & (read == truth)).sum(axis=(1, 2)), new.sum(axis=(1, 2))]).astype(float)}
    chars, whole, lines = (np.zeros((2, len(read))) for _ in range(3))
    for k in metrics.evenly_spaced(len(read), TEXT_FRAMES):
        found, true = lines_of(read[k]), lines_of(truth[k])
        accuracy, exact, count = metrics.line_figures(found, true)
        chars[:, k], lines[:, k] = (accuracy, count), (exact, count)
        known = [number for number, line in enumerate(true) if line is not None]
        said, meant = ("\n".join(side[n] or "" for n in known).rstrip("\n") for side in (found, true))
        if meant:
            whole[:, k] = metrics.character_accuracy(said, meant), 1
    return counts | {"text_chars": chars, "text_whole": whole, "text_lines": lines}


def typed_counts(
    read: NDArray[np.int64], cells: NDArray[np.int64], keys: list[list[str]], since: NDArray[np.int64], given: int
) -> NDArray[np.float64]:
    """Of the cells that show a character typed since `since`: those that read right, and all, [2, n]."""
    truth, born = cells[given:], typed_cells(cells, keys)[given:]
    typed = born > since[:, None, None]
    return np.stack([(typed & (read == truth)).sum(axis=(1, 2)), typed.sum(axis=(1, 2))]).astype(float)


def typed_cells(cells: NDArray[np.int64], keys: list[list[str]]) -> NDArray[np.int64]:
    """For each cell the frame in which a key's character appeared in it, while that stands there; else -1.

    Args:
        cells: [F, rows, columns].
        keys: for each frame the characters typed on the way to it.

    A character may appear a frame late. A frame in which more cells get a character than keys were typed holds
    something else as well (what a command prints), and is not used.
    """
    born = np.full(cells.shape, -1)
    for k in range(1, len(cells)):
        same = cells[k] == cells[k - 1]
        born[k] = np.where(same, born[k - 1], -1)
        new = ~same & (cells[k] > BLANK) & (cells[k - 1] != UNKNOWN)
        typed = Counter(keys[k - 1] + keys[k])
        if 0 < new.sum() <= typed.total():
            allowed = [number for number, character in enumerate(CHARACTERS) if character in typed]
            born[k] = np.where(new & np.isin(cells[k], allowed), k, born[k])
    return born


def typed_keys(scene: Scene) -> list[list[str]]:
    """For each frame of the scene the single characters typed on the way to it."""
    keys: list[list[str]] = [[] for _ in scene.frames]
    actions = [a for a in scene.clip.row["actions"] if a["kind"] in ("key", "key_down") and not a["redacted"]]
    places = place_slots([int(action["slot"]) for action in actions], scene.clip.frames, 1)
    for action, place in zip(actions, places, strict=True):
        if place is not None and 0 < place[0] - scene.start < len(keys):
            keys[place[0] - scene.start] += [
                name for name in key_names(action["key"], action["char"]) if len(name) == 1
            ]
    return keys


def after_actions(scene: Scene) -> NDArray[np.bool_]:
    """Which frames of the scene follow an action, bool [F]; a move alone is none, nor is letting go."""
    begin = (
        scene.clip.row["t1_ns"][0] + 1e9 * scene.start / scene.clip.fps
    )  # ticks are counted from the clip's first frame
    done = ("button_down", "scroll", "key", "key_down")
    seconds = [(a["t_ns"] - begin) / 1e9 for a in scene.clip.row["actions"] if a["kind"] in done]
    return metrics.after_actions(seconds, len(scene.frames), scene.clip.fps, scene.given)


def _counted(values: Tensor) -> NDArray[np.float64]:
    return _stacked(values, torch.ones(len(values)))


def _stacked(sums: Tensor, counts: Tensor) -> NDArray[np.float64]:
    return np.stack([sums.double().numpy(), counts.double().numpy()])
