"""`goaltrace import cast`: its options, and what it says."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="casts (.gz too), or folders with casts")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS", help="where the session folders go")
    parser.add_argument(
        "--sensitive", choices=("mask", "refuse", "keep"), default="mask",
        help="keys, tokens, passwords, e-mail addresses: mask them in events and pixels (default), refuse the cast, "
        "or keep them without looking",
    )  # fmt: skip
    parser.add_argument(
        "--redact", type=Path, metavar="FILE", help="mask these as well: a text file with one string a line"
    )
    parser.add_argument(
        "--keep-names", action="store_true",
        help="leave the names of users and machines as they are: yours and this machine's, and those that casts report",
    )  # fmt: skip
    parser.add_argument(
        "--idle-limit", type=float, metavar="SECONDS",
        help="cut longer pauses to this (default: the cast's own idle_time_limit, if it has one; inf: none)",
    )  # fmt: skip
    parser.add_argument("--fps", type=float, default=15.0, help="frames a second (default 15)")
    parser.add_argument(
        "--no-render", action="store_true", help="write no pictures; a later run without this adds them"
    )
    parser.add_argument(
        "--max-size", type=float, default=512, metavar="MIB", help="largest cast, unpacked, in MiB (default 512)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="casts at once (default: one a core)")
    parser.add_argument("--json", action="store_true", help="print what became of each file as JSON")


def run(args: argparse.Namespace) -> int:
    """Import what can be; 1 if a file was quarantined."""
    from tqdm import tqdm

    from collector.importers.cast.convert import ImportOptions
    from collector.importers.cast.find import find_casts
    from collector.importers.cast.run import import_casts
    from manifests.errors import GoaltraceError
    from manifests.secrets import Named, of_this_machine, read_list

    for name, value, good in (
        ("--idle-limit", args.idle_limit, args.idle_limit is None or args.idle_limit > 0),
        ("--fps", args.fps, 0 < args.fps <= 240),
        ("--max-size", args.max_size, 0 < args.max_size < 2**20),
        ("--workers", args.workers, args.workers is None or args.workers >= 1),
    ):
        if not good:
            raise GoaltraceError(f"{name}: {value} is out of range; see goaltrace import cast --help")
    existing = next((place for place in (args.out, *args.out.absolute().parents) if place.exists()), args.out)
    if existing.is_file():
        raise GoaltraceError(f"{existing}: is a file; --out wants a folder")
    if args.sensitive == "keep" and args.redact is not None:
        raise GoaltraceError("--redact: nothing is masked with --sensitive keep; leave one of them out")
    options = ImportOptions(
        args.sensitive, args.idle_limit, args.fps, not args.no_render, int(args.max_size * 2**20),
        listed=read_list(args.redact) if args.redact is not None else (),
        names=Named() if args.keep_names else of_this_machine(), keep_names=args.keep_names,
    )  # fmt: skip
    paths = find_casts(args.paths, args.out)
    with tqdm(total=len(paths), desc="importing", unit="cast", disable=None) as bar:

        def report(entry: dict[str, Any]) -> None:
            if not args.json:
                bar.write(_line(entry), file=sys.stderr if entry["state"] == "quarantined" else sys.stdout)
            bar.update()

        done = import_casts(paths, args.out, options, args.workers or os.cpu_count() or 1, report)
    if args.json:
        print(json.dumps({"out": str(args.out), "casts": done}, indent=2))
    left_out = sum(entry["state"] == "quarantined" for entry in done)
    if left_out and not args.json:
        where = args.out / "quarantine" / "casts.jsonl"
        print(f"{left_out} of {len(done)} left out; {where} says why", file=sys.stderr)
    return 1 if left_out else 0


def _line(entry: dict[str, Any]) -> str:
    if entry["state"] == "quarantined":
        return f"quarantined {entry['from']}: {entry['reason']}"
    counts = ", ".join(f"{entry[name]} {name}" for name in ("actions", "frames") if name in entry)
    lines = [f"{entry['state']} {entry['session']}" + (f" ({counts})" if counts else "")]
    lines += [f"  times: {reason}" for reason in entry.get("times", ())]
    return "\n".join([*lines, *(f"  {note}" for note in entry.get("notes", ()))])
