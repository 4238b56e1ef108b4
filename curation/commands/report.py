"""`goaltrace report`: what is in a data set, as one HTML page and one short table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from manifests.progress import as_bar


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a folder that pack or select made")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="the page (default: DATASET/report.html)")
    parser.add_argument("--table", action="store_true", help="print the table only, write no page")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(args: argparse.Namespace) -> int:
    import webbrowser
    from dataclasses import asdict

    from curation.report.run import report
    from curation.report.table import text_table

    with as_bar() as on_progress:
        done = report(args.dataset, out=args.out, page=not args.table, on_progress=on_progress)
    if args.json:
        found = {"arms": [asdict(arm) for arm in done.arms], "separations": [asdict(gap) for gap in done.separations]}
        print(json.dumps(found | ({} if done.page is None else {"page": str(done.page)}), indent=2))
        return 0
    print(text_table(done.arms, done.separations))
    if done.page is not None:
        print(f"wrote {done.page}")
        if args.open and not webbrowser.open(done.page.resolve().as_uri()):
            print("no browser could be started here; open the page yourself")
    return 0
