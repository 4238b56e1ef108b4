"""`goaltrace import`: recordings that other tools made, as sessions. Each format has its own command module."""

from __future__ import annotations

import argparse
from importlib import import_module

_FORMATS = {
    "neuralcomputer": (
        "collector.commands.import_neuralcomputer",
        "sessions of NeuralComputer's recorders (mp4, csv, json)",
        "Import sessions of NeuralComputer's recorders: record_N.mp4 with record_N.csv and actions_N.json, or NAME.mp4 "
        "with NAME.csv, screen_NAME.csv and NAME.json. Times stay as they are, and session.json says why they cannot "
        "be trusted (clock_source: nominal). See docs/importing.md.",
    ),
    "cast": (
        "collector.commands.import_cast",
        "terminal recordings (asciicast v1, v2, v3, .gz)",
        "Import terminal recordings as sessions. See docs/casts.md.",
    ),
    "tape": (
        "collector.commands.import_tape",
        "VHS tapes (.tape), run in a terminal of ours",
        "Run VHS tapes and record each as a terminal session. See docs/tapes.md.",
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    for name, (module, text, description) in _FORMATS.items():
        import_module(module).configure(formats.add_parser(name, help=text, description=description))


def run(args: argparse.Namespace) -> int:
    """The exit status: 0, or 1 if something could not be imported."""
    return int(import_module(_FORMATS[args.format][0]).run(args))
