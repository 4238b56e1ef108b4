"""A picture for the card: a few clips, one a row, chosen by a rule and not by how they look."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont

from curation.report.strips import drawn_frames, typical_clip
from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError

PREVIEW = "preview.png"
ROWS, FRAMES = 6, 4
WIDTHS = (320, 240, 160)  # px of a frame, the first that is small enough
MOST_BYTES = 400_000
GAP, GROUND = 6, (246, 246, 246)
TRIES = 3


@dataclass(frozen=True)
class PreviewClip:
    """A clip of the picture."""

    clip_id: str
    kind: str
    arm: str
    control: bool
    goal: str


@dataclass(frozen=True)
class Preview:
    """The picture, and what is on it."""

    png: bytes
    shown: list[PreviewClip]


def make_preview(reader: ClipReader, rows: pa.Table) -> tuple[Preview | None, str]:
    """A typical clip of each kind and arm, goal-directed ones first, then one of each family that is not there yet; or
    None, and why there is none.

    Blank frames are not shown. Clips that cannot be decoded are skipped.
    """
    found: list[tuple[PreviewClip, list[Image.Image]]] = []
    reason = "there is no clip"
    for candidates in _candidates(rows):
        if any(clip in candidates for clip, _ in found):
            continue
        for clip in candidates[:TRIES]:
            try:
                drawn = drawn_frames(reader.read(clip.clip_id), FRAMES, WIDTHS[0])
                frames = [_stamped(image, seconds) for image, seconds, _ in drawn]
            except GoaltraceError as error:
                reason = str(error)
                continue
            if frames:
                found.append((clip, frames))
                break
            reason = "every frame of the clips looked at is blank"
        if len(found) == ROWS:
            break
    if not found:
        return None, reason
    pictures, png = [frames for _, frames in found], b""
    for width in WIDTHS:
        png = _png(_sheet(pictures, width))
        if len(png) <= MOST_BYTES:
            break
    return Preview(png, [clip for clip, _ in found]), ""


def _candidates(rows: pa.Table) -> Iterator[Sequence[PreviewClip]]:
    """For each kind and arm, then for each family, the clips to try: the typical one, or the first, then the others."""
    arms: dict[tuple[bool, str, str], list[PreviewClip]] = defaultdict(list)
    families: dict[str, list[PreviewClip]] = defaultdict(list)
    for clip in rows.select(["clip_id", "kind", "arm", "control", "goal", "family"]).to_pylist():
        shown = PreviewClip(clip["clip_id"], clip["kind"], clip["arm"], clip["control"], clip["goal"])
        arms[shown.control, shown.arm, shown.kind].append(shown)
        families[clip["family"]].append(shown)
    for (control, arm, kind), own in sorted(arms.items(), key=lambda item: item[0]):
        first = typical_clip(rows, kind, arm, control)
        yield [*(clip for clip in own if clip.clip_id == first), *(clip for clip in own if clip.clip_id != first)]
    for _, own in sorted(families.items(), key=lambda item: item[0]):
        yield own


def _stamped(image: Image.Image, seconds: float) -> Image.Image:
    """The frame with its time in a corner."""
    pen, text = ImageDraw.Draw(image), f"{seconds:.1f} s"
    font = ImageFont.load_default(13)
    box = pen.textbbox((0, 0), text, font=font)
    left, top = image.width - box[2] - 8, image.height - box[3] - 6  # a terminal's text begins in the other corner
    pen.rectangle((left, top, image.width, image.height), fill=(0, 0, 0))
    pen.text((left + 4, top + 2), text, font=font, fill=(255, 255, 255))
    return image


def _sheet(rows: Sequence[Sequence[Image.Image]], width: int) -> Image.Image:
    scaled = [[_scaled(image, width) for image in row] for row in rows]
    heights = [max(image.height for image in row) for row in scaled]
    sheet = Image.new("RGB", (FRAMES * (width + GAP) + GAP, sum(heights) + GAP * (len(rows) + 1)), GROUND)
    top = GAP
    for row, height in zip(scaled, heights, strict=True):
        for place, image in enumerate(row):
            sheet.paste(image, (GAP + place * (width + GAP), top))
        top += height + GAP
    return sheet


def _scaled(image: Image.Image, width: int) -> Image.Image:
    if image.width == width:
        return image
    return image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.BOX)


def _png(sheet: Image.Image) -> bytes:
    """As a PNG of 256 colours: screens have few."""
    buffer = io.BytesIO()
    sheet.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
