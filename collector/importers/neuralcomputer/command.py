"""`goaltrace import neuralcomputer`: its options, and what it says."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

    from collector.importers.neuralcomputer.layout import SourceRecording


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="folders with such files, at any depth")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS", help="where the session folders go")
    parser.add_argument("--dry-run", action="store_true", help="read the logs, say what would be made, write nothing")
    parser.add_argument("--json", action="store_true", help="print what was made, and what was skipped, as JSON")


def run(args: argparse.Namespace) -> int:
    """Import what is whole; 1 if a session had to be skipped."""
    from tqdm import tqdm

    from collector.importers.neuralcomputer.layout import find_sources
    from manifests.errors import GoaltraceError
    from manifests.files import DiskFull
    from manifests.items import one_item
    from manifests.plain import one_line

    sources = find_sources(args.folders)
    done: list[dict[str, Any]] = []
    with tqdm(desc="importing", unit="frame", disable=None) as bar:
        for source in sources:
            try:
                with one_item(source.video):
                    entry = _one(source, args, bar)
            except DiskFull:
                raise
            except GoaltraceError as error:
                entry = {"from": str(source.video), "state": "skipped", "reason": one_line(str(error))}
            done.append(entry)
            if not args.json:
                stream = sys.stderr if entry["state"] == "skipped" else sys.stdout
                bar.write(_line(entry), file=stream)
    if args.json:
        print(json.dumps({"out": str(args.out), "dry_run": args.dry_run, "sessions": done}, indent=2))
    return 1 if any(entry["state"] == "skipped" for entry in done) else 0


def _one(source: SourceRecording, args: argparse.Namespace, bar: tqdm[Any]) -> dict[str, Any]:
    from collector.importers.neuralcomputer.convert import convert, read_source, session_name

    read = read_source(source)
    name = session_name(source)
    entry: dict[str, Any] = {"from": str(source.video), "session": str(args.out / name)}
    if (args.out / name / "session.json").is_file():
        return {**entry, "state": "there already"}
    if args.dry_run:
        return {**entry, "state": "would import", "frames": read.facts.frames, "rows": len(read.log)}

    def on_frame() -> None:
        bar.update()

    manifest = convert(read, args.out / name, on_frame)
    counts = {"frames": manifest.frames, "actions": manifest.actions}
    return {**entry, "state": "imported", **counts, "reasons": manifest.clock.reasons}


def _line(entry: dict[str, Any]) -> str:
    if entry["state"] == "skipped":
        return f"skipped {entry['from']}: {entry['reason']}"
    counts = ", ".join(f"{entry[name]} {name}" for name in ("frames", "rows", "actions") if name in entry)
    lines = [f"{entry['state']} {entry['session']}" + (f" ({counts})" if counts else "")]
    return "\n".join([*lines, *(f"  times: {reason}" for reason in entry.get("reasons", ()))])
