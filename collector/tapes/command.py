"""`goaltrace import tape`: runs VHS tapes, each in a terminal of its own, and records them as sessions."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.commands.images import add_system
from collector.commands.record import environment_of

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult
    from collector.environments.base import Environment
    from collector.episodes.spec import EpisodeSpec

MAX_TAPES = 100_000
_STOPPED = ("KeyboardInterrupt", "stopped before", "the recorder ended with status -15:")
"""How the result of a tape begins that Ctrl-C ended: the last, when its recorder had hardly begun."""
_PLACE = re.compile(r".+:\d+:\d+: ")


@dataclass(frozen=True)
class _Entry:
    """One tape and what became of it."""

    tape: str
    state: str
    """recorded, there already, would record, shows nothing, stopped (by Ctrl-C), failed."""
    session: str | None = None
    reason: str | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="tapes, or folders with .tape files")
    parser.add_argument("--out", type=Path, required=True, metavar="SESSIONS",
                        help="where the session folders go; tapes recorded there are not run again")  # fmt: skip
    parser.add_argument("--env", choices=["docker", "local"], default="docker",
                        help="where tapes run: a container each, without network (default), or local: this machine. "
                        "A tape runs commands; with local it runs them as you, so read it first")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="tapes run at a time (default: 1)")
    parser.add_argument("--fps", type=float, metavar="N",
                        help="frames a second (default: the tape's Framerate, else 15)")  # fmt: skip
    parser.add_argument("--max-duration", type=float, default=600.0, metavar="SECONDS",
                        help="the longest a tape may run (default: 600)")  # fmt: skip
    add_system(parser)
    parser.add_argument("--dry-run", action="store_true", help="read the tapes, say what would be run, run nothing")
    parser.add_argument("--json", action="store_true", help="print what became of each tape as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the tapes that can be read; 1 if any could not be, or did not run to its end."""
    from manifests.errors import GoaltraceError
    from manifests.files import require_writable

    for name, low, high in (("workers", 1, 256), ("fps", 1, 60), ("max_duration", 1, 3600)):
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise GoaltraceError(f"--{name.replace('_', '-')}: {value} is not between {low} and {high}")
    require_writable(args.out)
    report = _Report(args)
    specs, tapes = _read(args, report)
    interrupted = False
    if args.dry_run:
        for spec in specs:
            report.add(_entry(tapes[spec.episode_id], spec, "would record", args))
    elif specs:
        environment = environment_of(args.env, args.system)
        environment.prepare({"terminal"})
        interrupted = _record(environment, specs, tapes, args, report)
    report.end()
    if interrupted:
        print("stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 1 if report.failed else 0


class _Report:
    """Says of each tape what became of it, as it becomes known or, with --json, at the end."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._entries: list[_Entry] = []

    @property
    def failed(self) -> bool:
        return any(entry.state == "failed" for entry in self._entries)

    def add(self, entry: _Entry) -> None:
        from tqdm import tqdm

        self._entries.append(entry)
        if self._args.json:
            return
        seconds = f" ({entry.seconds:.1f} s)" if entry.seconds else ""
        reason = f": {entry.reason}" if entry.reason else ""
        target = f" -> {entry.session}" if entry.session and entry.state != "failed" else ""
        stream = sys.stderr if entry.state == "failed" else sys.stdout
        remarks = [f"  {note}" for note in entry.notes if _PLACE.match(note)]  # session.json has the others too
        lines = [f"{entry.state} {entry.tape}{target}{seconds}{reason}", *remarks]
        tqdm.write("\n".join(lines), file=stream)

    def end(self) -> None:
        entries = sorted(self._entries, key=lambda entry: entry.tape)
        if self._args.json:
            rows = [{name: value for name, value in asdict(entry).items() if value} for entry in entries]
            print(json.dumps({"out": str(self._args.out), "dry_run": self._args.dry_run, "tapes": rows}, indent=2))
            return
        states = [entry.state for entry in entries]
        counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
        print(f"{len(states)} tape{'s' * (len(states) != 1)}: {', '.join(counts) or 'none was done'}")


def _read(args: argparse.Namespace, report: _Report) -> tuple[list[EpisodeSpec], dict[str, Path]]:
    """The specifications of the tapes that can be run, and each one's tape by episode; reports the others."""
    from collector.episodes.tape import NothingToRun
    from collector.tapes.load import load_tape
    from collector.tapes.spec import spec_of
    from manifests.errors import GoaltraceError
    from manifests.items import one_item

    specs: dict[str, EpisodeSpec] = {}
    tapes: dict[str, Path] = {}
    for path, named in _find(args.paths).items():
        try:
            with one_item(path):
                tape = load_tape(path)
                spec = spec_of(tape, path, environment=args.env, fps=args.fps, max_duration_s=args.max_duration)
        except NothingToRun as error:
            state = "failed" if named else "shows nothing"
            report.add(_Entry(str(path), state, reason=str(error) if named else None))
        except GoaltraceError as error:
            report.add(_Entry(str(path), "failed", reason=str(error)))
        else:
            specs.setdefault(spec.episode_id, spec)
            tapes.setdefault(spec.episode_id, path)
    return list(specs.values()), tapes


def _find(paths: list[Path]) -> dict[Path, bool]:
    """Every tape, in order, and whether it was named itself; `GoaltraceError` for a path without any."""
    from manifests.errors import GoaltraceError

    found: dict[Path, bool] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = True
            continue
        below = sorted(tape for tape in path.rglob("*.tape") if tape.is_file())
        if not below:
            raise GoaltraceError(f"{path}: no .tape file in it or below; give tapes or folders of them")
        for tape in below:
            found.setdefault(tape, False)
    if len(found) > MAX_TAPES:
        raise GoaltraceError(f"{len(found):,} tapes at once; give at most {MAX_TAPES:,}")
    return found


def _record(
    environment: Environment, specs: list[EpisodeSpec], tapes: dict[str, Path], args: argparse.Namespace,
    report: _Report,
) -> bool:  # fmt: skip
    """Run every tape; True when it was interrupted."""
    from tqdm import tqdm

    from collector.campaign import Campaign

    by_name = {spec.episode_id: spec for spec in specs}
    with tqdm(total=len(specs), unit="tape", disable=None, desc="running") as bar:

        def done(result: EpisodeResult) -> None:
            bar.update()
            report.add(_ended(result, by_name[result.episode_id], tapes[result.episode_id], args))

        def progress(episode: str, event: dict[str, Any]) -> None:
            pass

        try:
            Campaign(environment, args.out, args.workers).run(specs, done, progress)
        except KeyboardInterrupt:
            return True
    return False


def _ended(result: EpisodeResult, spec: EpisodeSpec, tape: Path, args: argparse.Namespace) -> _Entry:
    from collector.tapes.screenshots import draw_screenshots
    from manifests.errors import GoaltraceError
    from manifests.items import one_item
    from manifests.session import SessionFolder

    if result.detail.startswith(_STOPPED):
        return _entry(tape, spec, "stopped", args)
    if result.outcome == "aborted":
        return _entry(tape, spec, "failed", args, re.sub(r"^the recorder ended with status -?\d+: ", "", result.detail))
    try:
        with one_item("its pictures"):
            draw_screenshots(SessionFolder(args.out / result.episode_id))
    except (GoaltraceError, OSError) as error:
        return _entry(tape, spec, "failed", args, f"Screenshot: {error}")
    state = "there already" if result.reused else "recorded"
    return _entry(tape, spec, state, args, seconds=result.seconds)


def _entry(
    tape: Path, spec: EpisodeSpec, state: str, args: argparse.Namespace, reason: str | None = None,
    seconds: float | None = None,
) -> _Entry:  # fmt: skip
    notes = tuple(spec.tape.notes) if spec.tape else ()
    return _Entry(str(tape), state, str(args.out / spec.episode_id), reason, seconds, notes)
