"""What commands that run a stage of curation have in common: `score`, `scan`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.stage import Outcome, Stage


def add_arguments(parser: argparse.ArgumentParser, done: str) -> None:
    """The data set, and how to go through it; `done` is what was done to it: "scored"."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: one per core)")
    parser.add_argument("--force", action="store_true", help=f"do again what is {done} already")


@contextmanager
def bar_of_clips(title: str) -> Iterator[Any]:
    """A progress bar over clips."""
    from tqdm import tqdm

    with tqdm(desc=title, unit="clip", disable=None, leave=False, file=sys.stderr) as bar:
        yield bar


def require_workers(args: argparse.Namespace) -> None:
    from manifests.errors import GoaltraceError

    if args.workers < 0:
        raise GoaltraceError(f"--workers: {args.workers}; give 1 or more, or leave it out for one per core")


def run(stage: Stage[Any], args: argparse.Namespace, force: bool) -> Outcome:
    """Run the stage over args.dataset."""
    from curation.stage import run_stage

    with bar_of_clips(stage.command.split()[-1]) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done)

        return run_stage(stage, args.dataset, args.workers, force, progress)
