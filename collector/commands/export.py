"""`goaltrace export`: a session in a format that other tools read."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_subparsers(dest="what", required=True, metavar="FORMAT")
    cast = formats.add_parser(
        "cast",
        help="a terminal session as an asciicast, for asciinema's player",
        description="Write a terminal session as an asciicast: output, input, resizes, markers and the exit status, "
        "with its times to the microsecond.",
    )
    cast.add_argument("session", type=Path, metavar="SESSION", help="a session folder")
    cast.add_argument("--out", type=Path, metavar="FILE", help="default: the session's name with .cast, here")
    cast.add_argument("--format", choices=("v2", "v3"), default="v3", help="asciicast version (default v3)")


def run(args: argparse.Namespace) -> int:
    """The exit status. What is written is as private as what it is made of."""
    from manifests.permissions import as_private_as

    with as_private_as(args.session):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from collector.importers.cast.export import export_cast
    from manifests.session import SessionFolder

    folder = SessionFolder(args.session)
    out = args.out or Path(f"{folder.read_manifest().session_id}.cast")
    for note in export_cast(folder, out, int(args.format[1:])):
        print(note)
    return 0
