"""Prints how an episode ended, and how all of them did."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult


def result_line(result: EpisodeResult) -> str:
    """One episode's end, as a line to print."""
    seconds = f"{result.seconds:5.1f} s" if result.seconds else "       "
    return f"{result.outcome:<10} {seconds}  {result.episode_id}  ({result.detail})"


def print_results(results: Sequence[EpisodeResult], out: Path, as_json: bool) -> None:
    """The end of the command: a summary, or every result as JSON."""
    if as_json:
        print(json.dumps({"out": str(out), "episodes": [asdict(result) for result in results]}, indent=2))
        return
    outcomes = [result.outcome for result in results]
    summary = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    minutes = sum(result.seconds for result in results) / 60
    print(f"{out}: {len(results)} sessions ({summary or 'none'}), {minutes:.1f} min")
    aborted = [result for result in results if result.outcome == "aborted"]
    if aborted and len(results) > 1:
        first = f"the first, {aborted[0].episode_id}: {aborted[0].detail}"
        print(f"{len(aborted)} of {len(results)} aborted; {first}", file=sys.stderr)
