"""`goaltrace report`: what is in a data set, as one HTML page and one short table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page (default: DATASET/report.html)")
    parser.add_argument("--table", action="store_true", help="print the table only, write no page")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.private import as_private_as

    with as_private_as(args.dataset):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    import webbrowser
    from dataclasses import asdict

    from curation.report import table
    from curation.report.page import write_report
    from curation.tables import rows_with_scores
    from manifests.clip_io import ClipReader
    from manifests.made_from import beside, write_made_from
    from manifests.plain import one_line

    def leave_out(clip: str, reason: str) -> None:
        print(f"left out: {clip}: {one_line(reason)}", file=sys.stderr)

    reader = ClipReader(args.dataset)
    rows = rows_with_scores(reader)
    for clip, reason in reader.left_out.items():
        leave_out(clip, reason)
    arms, apart = table.compare(rows), table.separations(rows)
    page = args.out or args.dataset / "report.html"
    if not args.table:
        if page.resolve().parent != args.dataset.resolve():  # there it goes with the clips
            write_made_from(beside(page), "report", set(rows.column("session_id").to_pylist()), [page])
        write_report(args.dataset, page, leave_out)
    if args.json:
        found = {"arms": [asdict(arm) for arm in arms], "separations": [asdict(gap) for gap in apart]}
        print(json.dumps(found | ({} if args.table else {"page": str(page)}), indent=2))
        return 0
    print(table.text_table(arms, apart))
    if not args.table:
        print(f"wrote {page}")
        if args.open and not webbrowser.open(page.resolve().as_uri()):
            print("no browser could be started here; open the page yourself")
    return 0
