"""A strip of frames per arm with the actions drawn on them, so that a person can check what the scores mean."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from manifests.clip import ClipAction, ClipRow
from manifests.clip_io import ClipReader
from manifests.video import iter_frames

FRAMES = 6
FRAME_PX = 400  # width of a picture
MAX_LABEL = 60
PATH, CLICK, HALO = (70, 160, 255), (255, 70, 70), (255, 255, 255)
NAMES = {"Return": "⏎", "KP_Enter": "⏎", "BackSpace": "⌫", "Tab": "⇥", "space": "␣", "Escape": "Esc"}
MODIFIERS = {"Control_L": "Ctrl", "Control_R": "Ctrl", "Alt_L": "Alt", "Alt_R": "Alt", "Super_L": "Super"}
NAMES |= {"Up": "↑", "Down": "↓", "Left": "←", "Right": "→"}


@dataclass(frozen=True)
class StripPicture:
    """One frame and what was done since the picture before it."""

    uri: str
    seconds: float
    label: str


@dataclass(frozen=True)
class Strip:
    """One clip of one arm."""

    kind: str
    arm: str
    control: bool
    clip_id: str
    goal: str
    pictures: list[StripPicture]


def typical_clip(rows: pa.Table, kind: str, arm: str, control: bool) -> str:
    """The clip of median efficacy of an arm, among those with a click if there are any: not the best one.

    Where nothing is scored, the clip of median number of actions.
    """
    names = ("clip_id", "kind", "arm", "control", "efficacy", "clicks_scored", "actions_per_s")
    clips = [
        row
        for row in rows.select([name for name in names if name in rows.column_names]).to_pylist()
        if (row["kind"], row["arm"], row["control"]) == (kind, arm, control)
    ]
    clips = [row for row in clips if row.get("clicks_scored")] or clips
    for column in ("efficacy", "actions_per_s"):
        known = sorted((row[column], row["clip_id"]) for row in clips if row.get(column) is not None)
        if known:
            return str(known[len(known) // 2][1])
    return str(clips[len(clips) // 2]["clip_id"])


def strip(reader: ClipReader, clip_id: str) -> Strip:
    """Evenly spaced frames of a clip from its first action on; each shows what happened since the one before."""
    row = reader.read(clip_id)
    pictures = [
        StripPicture(_uri(image), seconds, words) for image, seconds, words in drawn_frames(row, FRAMES, FRAME_PX)
    ]
    return Strip(row["kind"], row["arm"], row["control"], clip_id, row["goal"], pictures)


def drawn_frames(row: ClipRow, frames: int, width: int) -> Iterator[tuple[Image.Image, float, str]]:
    """Up to so many evenly spaced frames of a clip, scaled to `width` px: the picture with what was done since the one
    before drawn on it, when it is (s since the clip's first frame), and what was done in words.

    Frames that were left blank on purpose are passed over.
    """
    visible = [i for i, blank in enumerate(row["frame_redacted"]) if not blank]
    first_action = min((action["slot"] for action in row["actions"] if action["slot"] >= 0), default=0)
    after = [i for i in visible if i >= first_action] or visible[-1:]
    if not after:
        return
    shown = sorted({after[round(place)] for place in np.linspace(0, len(after) - 1, frames)})
    size = (width, max(1, round(width * row["height"] / row["width"])))
    before = shown[0]
    for index, image in enumerate(iter_frames(row["video"]["bytes"], size, row["picture"])):
        if index not in shown:
            continue
        actions = [action for action in row["actions"] if before <= action["slot"] < index]
        path = list(zip(row["cursor_x"], row["cursor_y"], strict=True))[before : index + 1]
        seconds = (row["t1_ns"][index] - row["t1_ns"][0]) / 1e9
        drawn = _draw(image, actions, path if row["kind"] == "desktop" else [], width / row["width"])
        yield drawn, seconds, label(actions)
        before = index


def label(actions: Sequence[ClipAction]) -> str:
    """What was done, in a few words: `click left, typed hello ⏎`."""
    words: list[str] = []
    typing = False
    held: dict[str, str] = {}
    for action in actions:
        if action["key"] in MODIFIERS and action["kind"] == "key_down":
            held[action["key"]] = MODIFIERS[action["key"]]
        elif action["kind"] == "key_up":
            held.pop(action["key"] or "", None)
        elif action["kind"] in ("key_down", "key"):
            text = _key(action)
            if held and text:
                text = f" {'+'.join(dict.fromkeys(held.values()))}+{text.strip()} "
            if text and typing:
                words[-1] += text
            elif text:
                words.append(f"keys {text}")
            typing = typing or bool(text)
        elif action["kind"] in ("button_down", "scroll"):
            typing = False
            arrow = "↓" if (action["dy"] or 0) < 0 else "↑"
            button = action["button"] or "•"
            words.append(f"click {button}" if action["kind"] == "button_down" else f"scroll {arrow}")
    counted = [f"{text} ×{words.count(text)}" if words.count(text) > 1 else text for text in dict.fromkeys(words)]
    text = " ".join(", ".join(counted).split())
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"


def _key(action: ClipAction) -> str:
    if action["redacted"]:
        return "•"
    name, char = action["key"] or "", action["char"] or ""
    if name in NAMES:
        return NAMES[name]
    if char.isprintable() and char:
        return char
    return f" {name} " if name and not name.endswith(("_L", "_R")) else ""


def _draw(
    image: NDArray[np.uint8], actions: Sequence[ClipAction], path: Sequence[tuple[int, int]], scale: float
) -> Image.Image:
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    points = [(x * scale, y * scale) for x, y in path if x >= 0 and y >= 0]
    if len(set(points)) > 1:
        pen.line(points, fill=HALO, width=4, joint="curve")
        pen.line(points, fill=PATH, width=2, joint="curve")
    held: tuple[float, float] | None = None
    for action in actions:
        if action["x"] is None or action["y"] is None:
            continue
        at = (action["x"] * scale, action["y"] * scale)
        if action["kind"] == "button_down":
            held = at
            _ring(pen, at)
        elif action["kind"] == "button_up" and held is not None:
            if abs(held[0] - at[0]) + abs(held[1] - at[1]) > 6:
                pen.line([held, at], fill=CLICK, width=2)  # a drag
            held = None
        elif action["kind"] == "scroll":
            x, y, tip = at[0], at[1], -12 if (action["dy"] or 0) > 0 else 12
            pen.polygon([(x - 6, y), (x + 6, y), (x, y + tip)], fill=CLICK, outline=HALO)
    return picture


def _ring(pen: ImageDraw.ImageDraw, at: tuple[float, float]) -> None:
    for radius, colour, width in ((10, HALO, 4), (9, CLICK, 2)):
        pen.ellipse((at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius), outline=colour, width=width)


def _uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
