"""What was done between two frames, as the numbers that the model is given: raw (182 counts) or meta (two acts)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from manifests.clip import ClipActions
from trainer.actions import meta, raw
from trainer.actions.keys import KEYS, key_names
from trainer.actions.places import place_slots
from trainer.actions.raw import RAW_FEATURES
from trainer.settings.config import ActionsConfig

__all__ = ["KEYS", "RAW_FEATURES", "Actions", "acted", "encode_actions", "key_names", "nothing_done", "place_slots",
           "slots", "stack_actions", "width"]  # fmt: skip

Actions = NDArray[np.uint8] | NDArray[np.int16]
"""[T, S, A]: uint8 raw or int16 meta; S slots on the way to each of T frames."""


def encode_actions(clip: ClipActions, frames: Sequence[int], config: ActionsConfig) -> Actions:
    """What was done before each of the chosen frames, [len(frames), S, A].

    An action in slot s leads to the first chosen frame after s, and to no earlier one; what was done up to the first
    chosen frame only changes the held state.

    Args:
        clip: a clip row with `actions` in order of time, `start_keys`, `start_buttons`, `start_x`, `start_y`.
        frames: the chosen recorded frames, non-decreasing.
    """
    if config.encoding == "meta":
        return meta.encode_meta(clip, frames)
    return raw.encode_raw(clip, frames, config.substeps)


def stack_actions(several: Sequence[Actions]) -> Actions:
    """[B, T, S, A] of actions of one encoding and length."""
    stacked: Actions = np.stack(several)  # type: ignore[assignment, arg-type]
    return stacked


def width(config: ActionsConfig) -> int:
    """A: numbers in a slot."""
    return meta.WIDTH if config.encoding == "meta" else len(RAW_FEATURES)


def slots(config: ActionsConfig) -> int:
    """S: slots on the way to a frame."""
    return meta.SLOTS if config.encoding == "meta" else config.substeps


def nothing_done(actions: Actions, row: Actions) -> Actions:
    """Actions of the shape of `actions` [n, S, A] in which nothing is done after the frame of `row` [S, A].

    What is held at the end of `row` stays held; a modifier that was pressed and released within its last slot counts
    as held.
    """
    return np.zeros_like(actions) if actions.dtype == np.int16 else raw.raw_nothing_done(actions, row)  # type: ignore[arg-type]


def acted(actions: Actions) -> NDArray[np.bool_]:
    """bool [T]: was anything done on the way to the frame? Holding a key or button is not; moving is not counted."""
    return meta.meta_acted(actions) if actions.dtype == np.int16 else raw.raw_acted(actions)  # type: ignore[arg-type]
