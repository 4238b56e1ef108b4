"""What commands that run a stage of curation have in common: `score`, `scan`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser, done: str) -> None:
    """The data set, and how to go through it; `done` is what was done to it: "scored"."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")
    parser.add_argument("--force", action="store_true", help=f"do again what is {done} already")
