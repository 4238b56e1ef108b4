"""`goaltrace scan`: what is sensitive in a data set, and a data set without it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from curation.commands import stages
from manifests.progress import as_bar

if TYPE_CHECKING:
    from curation.scanning import ScanResult

EPILOG = """\
Searched are the keys (with corrections applied), the text of terminals' screens, captions, goals and names. What is
found is counted, never shown. Pixels of desktops are not read: a clip with something sensitive in its keys or texts is
left out by --mask, together with the later ones of its session.

exit status: 0 nothing found, or masked; 1 something found; 2 something could not be scanned.
docs/scanning.md says more."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    stages.add_arguments(parser, "scanned")
    parser.add_argument("--mask", action="store_true", help="write a new data set with everything found masked")
    parser.add_argument("--out", type=Path, metavar="DATASET2", help="the new data set's folder, with --mask")
    parser.add_argument("--redact", type=Path, metavar="FILE",
                        help="look for these as well: a text file with one string a line")  # fmt: skip
    parser.add_argument("--keep-names", action="store_true",
                        help="do not look for the names of this machine and its user")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print what was found, clip by clip, as JSON")


def run(args: argparse.Namespace) -> int:
    from curation.scanning import scan
    from manifests.errors import GoaltraceError
    from manifests.secrets import read_list

    if args.mask != (args.out is not None):
        missing = "--out is missing; name the new data set's folder" if args.mask else "--out: goes with --mask"
        raise GoaltraceError(missing)
    with as_bar() as on_progress:
        done = scan(
            args.dataset,
            out=args.out,
            redact=read_list(args.redact) if args.redact else (),
            keep_names=args.keep_names,
            workers=args.workers,
            force=args.force,
            on_progress=on_progress,
        )
    if args.json:
        masked = None
        if done.masked is not None:
            masked = {"path": str(args.out), "clips": done.masked.clips, "left_out": dict(done.masked.left_out)}
        print(json.dumps(done.found.as_json() | {"masked": masked, "damaged": done.tables.damaged}, indent=2))
    else:
        print(done.found.as_text())
        _say(args, done)
    for error in done.tables.damaged:
        print(f"goaltrace scan: {error}", file=sys.stderr)
    return 2 if done.tables.damaged else 1 if done.found.clips and done.masked is None else 0


def _say(args: argparse.Namespace, done: ScanResult) -> None:
    if done.masked is not None:
        left = f", {len(done.masked.left_out)} left out" if done.masked.left_out else ""
        print(f"wrote {args.out}: {done.masked.clips} clips masked and scanned again{left}")
    elif args.mask:
        print(f"nothing to mask: {args.out} was not written, {args.dataset} can be published as it is")
    elif not done.tables.made and not done.tables.damaged:
        print(f"up to date: {len(done.tables.reused)} shard(s) scanned already: {args.dataset}/scores")
