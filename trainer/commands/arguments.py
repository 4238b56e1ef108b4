"""Arguments that several commands take, validated where they are parsed."""

from __future__ import annotations

import argparse

from trainer.face.arguments import SEEDS


def seed(text: str) -> int:
    """A seed that every generator here takes."""
    number = int(text) if text.strip().lstrip("+-").isdecimal() else -1
    if not 0 <= number < SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 0 to {SEEDS - 1:,}")
    return number
