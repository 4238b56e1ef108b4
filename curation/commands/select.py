"""`goaltrace select`: a smaller data set by a SQL condition over metadata and scores."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.progress import as_bar

if TYPE_CHECKING:
    from curation.select import Kept

EXAMPLES = """\
examples of a condition:
  efficacy > 0.2 AND contingency > 0.6
  outcome = 'success' OR arm = 'random-fast'
  clock_source <> 'nominal'        (leave out recordings whose times cannot be trusted)
  efficacy > (SELECT quantile_cont(efficacy, 0.25) FROM clips)

docs/curation.md lists the columns."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--where", required=True, metavar="SQL", help="the condition a clip has to meet")
    parser.add_argument("--out", type=Path, metavar="DATASET2", help="the new data set's folder")
    parser.add_argument("--dry-run", action="store_true", help="say what would be kept, write nothing")
    parser.add_argument("--json", action="store_true", help="print what is kept as JSON")


def run(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from curation.select import select
    from manifests.errors import GoaltraceError

    if args.out is None and not args.dry_run:
        raise GoaltraceError("--out is missing; name the new data set's folder, or give --dry-run")
    with as_bar() as on_progress:
        done = select(args.dataset, args.where, out=None if args.dry_run else args.out, on_progress=on_progress)
    if args.json:
        print(json.dumps({"dry_run": args.dry_run, "kept": [asdict(entry) for entry in done.kept]}, indent=2))
        return 0
    print(_table(done.kept))
    print("dry run: nothing was written" if args.dry_run else f"wrote {args.out}")
    return 0


def _table(kept: Sequence[Kept]) -> str:
    lines = [f"{'kind':<10}{'arm':<18}{'clips kept':>14}{'hours kept':>18}"]
    for entry in kept:
        clips, hours = f"{entry.clips} of {entry.of_clips}", f"{entry.hours:.3f} of {entry.of_hours:.3f}"
        lines.append(f"{entry.kind:<10}{entry.arm:<18}{clips:>14}{hours:>18}")
    return "\n".join(lines)
