"""The columns of text in a clip's row: captions of what happens in it, and the text that its pictures show."""

from __future__ import annotations

from typing import TypedDict


class Captions(TypedDict):
    """What happens in a clip, as far as it is known."""

    caption_short: str
    caption: str
    caption_detailed: str


class ClipTexts(Captions):
    """The captions, and the text that each picture shows."""

    screen_text: list[str]
