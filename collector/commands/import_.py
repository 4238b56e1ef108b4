"""`goaltrace import`: recordings that other tools made, as sessions; one entry a format, each with a command module."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import NamedTuple, Protocol, cast


class ImportCommand(Protocol):
    """What an importer's module has."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of `goaltrace import FORMAT`."""

    def run(self, args: argparse.Namespace) -> int:
        """Make a session folder of each recording; the exit status: 0, or 1 if something could not be imported."""


class Importer(NamedTuple):
    """One format that `goaltrace import` reads."""

    module: str
    """An `ImportCommand`."""
    help: str
    """A line for the list of formats."""
    description: str
    """What its own --help begins with."""

    def load(self) -> ImportCommand:
        return cast(ImportCommand, import_module(self.module))


IMPORTERS: dict[str, Importer] = {
    "neuralcomputer": Importer(
        "collector.commands.import_neuralcomputer",
        "sessions of NeuralComputer's recorders (mp4, csv, json)",
        "Import sessions of NeuralComputer's recorders: record_N.mp4 with record_N.csv and actions_N.json, or NAME.mp4 "
        "with NAME.csv, screen_NAME.csv and NAME.json. Times stay as they are, and session.json says why they cannot "
        "be trusted (clock_source: nominal). See docs/importing.md.",
    ),
    "cast": Importer(
        "collector.commands.import_cast",
        "terminal recordings (asciicast v1, v2, v3, .gz)",
        "Import terminal recordings as sessions. See docs/casts.md.",
    ),
    "tape": Importer(
        "collector.commands.import_tape",
        "VHS tapes (.tape), run in a terminal of ours",
        "Run VHS tapes and record each as a terminal session. See docs/tapes.md.",
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_subparsers(dest="format", required=True, metavar="FORMAT")
    for name, importer in IMPORTERS.items():
        importer.load().configure(formats.add_parser(name, help=importer.help, description=importer.description))


def run(args: argparse.Namespace) -> int:
    return IMPORTERS[args.format].load().run(args)
