"""The figures of an evaluation: how each is computed from its counts, its label and unit, and what it means."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.evaluation.intervals import How


@dataclass(frozen=True)
class Figure:
    """One figure."""

    how: How | None
    """None: not from clips' counts, but of all windows together (trainer.evaluation.fvd)."""
    label: str
    unit: str
    """dB, px, % (kept as a share in 0..1) or nothing."""
    better: int
    """1: more is better, -1: less is."""
    says: str
    source: str = ""
    """The figure whose counts it is computed from, if not its own."""
    after: bool = False
    """Only over frames after an action."""

    def show(self, value: float | None, signed: bool = False) -> str:
        """In words, with its unit."""
        if value is None:
            return "–"
        plus = "+" if signed else ""
        if self.unit == "%":
            return f"{100 * value:{plus}z.1f} %"
        digits = {"": 4, "dB": 2}.get(self.unit, 1) if self.how else 1
        return f"{value:{plus}z.{digits}f} {self.unit}".rstrip()


FIGURES: dict[str, Figure] = {
    "psnr": Figure("decibels", "PSNR", "dB", 1, "of the generated frames against the recorded ones, mean over clips"),
    "ssim": Figure("mean", "SSIM", "", 1, "structural similarity of luma (Wang et al. 2004), mean over clips"),
    "psnr_changed": Figure(
        "decibels",
        "changed px",
        "dB",
        1,
        "PSNR of the pixels that have changed since the last given frame, mean over clips",
    ),
    "changed_f1": Figure(
        "mean",
        "change F1",
        "%",
        1,
        "overlap (F1) of the pixels that changed since the last given frame with those that should have",
    ),
    "psnr_after": Figure(
        "decibels", "PSNR after", "dB", 1, "PSNR of the 15 frames after an action", "psnr", after=True
    ),
    "ssim_after": Figure("mean", "SSIM after", "", 1, "SSIM of the 15 frames after an action", "ssim", after=True),
    "lpips": Figure("mean", "LPIPS", "", -1, "learned perceptual distance (Zhang et al. 2018), your weights"),
    "lpips_after": Figure("mean", "LPIPS after", "", -1, "LPIPS of the 15 frames after an action", "lpips", after=True),
    "fvd": Figure(
        None,
        "FVD",
        "",
        -1,
        "Fréchet distance of the generated windows, as a set, from the recorded ones (I3D's logits, your weights)",
    ),
    "cursor_px": Figure(
        "median",
        "pointer off by",
        "px",
        -1,
        "median distance from the pointer in the pixels to the recorded one, where it has moved",
    ),
    "cursor_hit": Figure(
        "hits", "within 3 px", "%", 1, "share of those frames with the pointer within 3 px", "cursor_px"
    ),
    "text_typed": Figure("share", "typed right", "%", 1, "share of cells with typed characters that read right"),
    "text_cells": Figure(
        "share",
        "new cells right",
        "%",
        1,
        "share of all cells with a new character since the last given frame that read right",
    ),
    "text_chars": Figure(
        "share", "characters", "%", 1, "accuracy of characters, mean over lines of 5 evenly spaced frames"
    ),
    "text_whole": Figure(
        "share", "whole screen", "%", 1, "accuracy of characters of the whole screen's text, 5 frames"
    ),
    "text_lines": Figure("share", "exact lines", "%", 1, "share of lines that read exactly, 5 frames"),
}

ROWS = {
    "true": "true actions",
    "shuffled": "shuffled actions",
    "null": "no actions",
    "repeat": "last frame repeated",
    "codec": "true frames, codec",
    "recorded": "true frames",
    "open": "open loop, true actions",
    "open_repeat": "open loop, frame repeated",
}
