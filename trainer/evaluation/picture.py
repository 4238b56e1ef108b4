"""Roll-outs as a person can look at them: panels side by side with the actions drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from manifests.files import replacing
from trainer.actions import RAW_FEATURES, Actions
from trainer.actions.keys import KEYS
from trainer.actions.meta import AMOUNT, BUTTON, CLICK, COUNT, DIRECTION, DRAG, KEY, KIND, SCROLL, TYPE, text_of
from trainer.evaluation.scenes import Scene, arm_inputs
from trainer.inference.movie import write_mp4

HEADER, FOOTER, GAP = 26, 26, 8
PAPER, INK, FAINT, MARK = (250, 250, 248), (30, 30, 34), (130, 130, 136), (226, 60, 48)
LONGEST_SIDE = 1600  # px of the whole picture
_BUTTONS, _WAYS = ("", "left", "middle", "right"), ("", "up", "down", "left", "right")
_PRESS = [RAW_FEATURES.index("press:left"), RAW_FEATURES.index("press:right")]


@dataclass(frozen=True)
class Panel:
    """One video with the actions it was given."""

    title: str
    frames: NDArray[np.uint8]
    """[F, height, width, 3]."""
    actions: Actions
    """[F, S, A]."""
    path: NDArray[np.float32]
    """[F, 2] px: where the actions put the pointer; NaN draws nothing."""

    @classmethod
    def recorded(cls, title: str, scene: Scene) -> Panel:
        actions, path, _ = arm_inputs(scene, None, "true")
        return cls(title, scene.frames, actions, path)

    @classmethod
    def generated(cls, title: str, video: Tensor, scene: Scene, donor: Scene | None, arm: str) -> Panel:
        actions, path, _ = arm_inputs(scene, donor, arm)
        return cls(title, (video * 255).round().byte().numpy(), actions, path)


def describe(actions: Actions) -> str:
    """What was done on the way to one frame, [S, A] raw or meta, in a few words."""
    return " ".join(_raw_words(actions) if actions.dtype == np.uint8 else _meta_words(actions))


def _raw_words(actions: Actions) -> list[str]:
    words = []
    for token in actions:
        for number in np.flatnonzero(token):
            group, _, name = RAW_FEATURES[number].partition(":")
            if group == "key":
                words.append("space" if name == " " else f"({name})" if name == "redacted" else name)
            elif group in ("press", "scroll"):
                words.append(f"{name} click" if group == "press" else f"scroll {name}")
    return words


def _meta_words(actions: Actions) -> list[str]:
    words = []
    for act in actions:
        if act[KIND] == CLICK:
            words.append(
                f"{_BUTTONS[act[BUTTON]]} {'drag' if act[DRAG] else 'click' if act[COUNT] < 2 else 'double click'}"
            )
        elif act[KIND] == SCROLL:
            words.append(f"scroll {_WAYS[act[DIRECTION]]} {act[AMOUNT]}")
        elif act[KIND] == TYPE:
            words.append(f"“{text_of(act.astype(np.int16))}”")
        elif act[KIND] and act[KEY]:
            words.append(KEYS[act[KEY] - 1])
    return words


def _pressed(actions: Actions) -> bool:
    """Was a button pressed on the way to this frame?"""
    if actions.dtype == np.uint8:
        return bool(actions[:, _PRESS].any())
    return bool((actions[:, KIND] == CLICK).any())


def compose(panels: Sequence[Panel], frame: int, given: int, fps: float, scale: int) -> Image.Image:
    """All panels of one frame in one picture."""
    height, width = panels[0].frames.shape[1:3]
    wide, high = width * scale, height * scale
    sheet = Image.new("RGB", (len(panels) * (wide + GAP) + GAP, high + HEADER + FOOTER), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for number, panel in enumerate(panels):
        left = GAP + number * (wide + GAP)
        made = number > 0 and frame >= given
        image = Image.fromarray(panel.frames[frame]).resize((wide, high), Image.Resampling.LANCZOS)
        sheet.paste(image, (left, HEADER))
        state = f"  +{(frame - given + 1) / fps:.1f} s" if frame >= given else "  given"
        draw.text((left, 5), panel.title, INK, font)
        draw.text((left + draw.textlength(panel.title, font), 5), state, MARK if made else FAINT, font)
        x, y = panel.path[frame]
        if np.isfinite(x):
            centre, radius = (left + x * scale, HEADER + y * scale), 11
            box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
            draw.ellipse(box, outline=MARK, width=4 if _pressed(panel.actions[frame]) else 1)
        done = _shorten(draw, font, describe(panel.actions[frame]) or "·", wide)
        draw.text((left, HEADER + high + 4), done, INK, font)
    return sheet


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _shorten(draw: ImageDraw.ImageDraw, font: Font, text: str, room: int) -> str:
    while text and draw.textlength(text, font) > room:
        text = text[:-2].rstrip("…") + "…"
    return text


def write_all(out: Path, panels: Sequence[Panel], scene: Scene, fps: float) -> list[Path]:
    """Write out.gif, out.mp4 and out.png (a strip of moments); each replaces what was there."""
    width = panels[0].frames.shape[2]
    scale = max(1, (LONGEST_SIDE - GAP) // len(panels) // width)
    sheets = [compose(panels, k, scene.given, fps, scale) for k in range(len(panels[0].frames))]
    paths = [out.with_name(out.name + suffix) for suffix in (".gif", ".mp4", ".png")]
    with replacing(paths[0]) as temporary:
        _write_gif(temporary, sheets, fps)
    with replacing(paths[1]) as temporary:
        write_mp4(temporary, sheets, fps)
    with replacing(paths[2]) as temporary:
        strip(panels, scene, fps).save(temporary, format="PNG")
    return paths


def _write_gif(path: Path, sheets: list[Image.Image], fps: float) -> None:
    palette = sheets[len(sheets) // 2].quantize(254)
    colours = palette.getpalette() or []
    palette.putpalette([*colours[: 3 * 254], *MARK])  # the ring is few px, but it must stay red
    small = [sheet.quantize(palette=palette, dither=Image.Dither.NONE) for sheet in sheets]
    small[0].save(path, format="GIF", save_all=True, append_images=small[1:], duration=round(1000 / fps), loop=0)


def strip(panels: Sequence[Panel], scene: Scene, fps: float, moments: int = 4, scale: int | None = None) -> Image.Image:
    """Rows of moments, evenly spaced over the generated part."""
    count = len(panels[0].frames)
    picks = np.linspace(scene.given, count - 1, min(moments, count - scene.given)).astype(int)
    scale = scale or (1 if panels[0].frames.shape[2] > 400 else 2)
    rows = [compose(panels, int(k), scene.given, fps, scale) for k in picks]
    sheet = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)), PAPER)
    for number, row in enumerate(rows):
        sheet.paste(row, (0, number * row.height))
    return sheet
