"""`goaltrace record`: record episodes of tasks."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.agent_registry import AGENTS, agent_entry
from collector.commands.images import add_system

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult
    from collector.environments.base import Environment
    from collector.episodes.spec import EpisodeSpec
    from manifests.task import TaskManifest


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="a task's id (see: goaltrace tasks) or a .yaml file")
    parser.add_argument("--agent", choices=[e.name for e in AGENTS.values() if e.recorded], default="scripted",
                        help="who acts; human opens a page in your browser (default: scripted)")  # fmt: skip
    parser.add_argument("--env", choices=["docker", "local", "display"], default="docker",
                        help="a container an episode; this machine (terminals only); or your own screen, "
                        "which only a human records")  # fmt: skip
    parser.add_argument("--episodes", type=int, default=1, metavar="N", help="episodes of each task (default: 1)")
    parser.add_argument("--workers", type=int, default=1, metavar="K", help="episodes recorded at a time (default: 1)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="seed of the first episode; the next is S + 1 (default: 0)"
    )
    parser.add_argument("--fps", type=float, default=15.0, help="frames a second (default: 15)")
    parser.add_argument(
        "--max-duration",
        type=float,
        metavar="SECONDS",
        help="end an episode after this long (default: the task's; people have 600)",
    )
    parser.add_argument("--min-free", type=float, default=2.0, metavar="GIB",
                        help="stop recording when the disk has less than this free (default: 2)")  # fmt: skip
    parser.add_argument("--capture", choices=["auto", "xserver", "mss"], default="auto",
                        help="how desktop frames are taken (default: auto, the most exact that works)")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help="folder of sessions; episodes that are complete there are not recorded again")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list the episodes and their goals, record nothing")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    add_system(parser)
    people = parser.add_argument_group("recording people (--agent human)")
    people.add_argument("--consent-id", metavar="ID",
                        help="the person's pseudonym, to go on under the same one (default: a new one)")  # fmt: skip
    people.add_argument("--redact", type=Path, metavar="FILE",
                        help="take these out of what is typed as well: a text file with one string a line")  # fmt: skip
    people.add_argument("--port", type=int, default=0, metavar="P",
                        help="port of the page on 127.0.0.1 (default: any free one)")  # fmt: skip
    people.add_argument("--no-open", action="store_true", help="print the page's address instead of opening a browser")
    people.add_argument("--display", metavar=":N", help="record this X display of your own (implies --env display)")
    people.add_argument("--goal", metavar="TEXT", help="own screen: what you are going to do, in a sentence")
    people.add_argument("--hotkey", default="ctrl+alt+p", metavar="KEYS",
                        help="own screen: pauses and resumes, in any window (default: ctrl+alt+p)")  # fmt: skip
    people.add_argument("--inputs", choices=["auto", "xserver", "callback"], default="auto",
                        help="own screen: where input events and their times come from (default: auto)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """The exit status. What is recorded of a person is for this user alone, from the first byte on."""
    from manifests.private import OWNER_ONLY, at_least

    with at_least(OWNER_ONLY if args.agent == "human" else 0):
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    from collector.recording.watch import require_space
    from manifests.errors import GoaltraceError
    from manifests.task import find_task

    for name, low, high in (("episodes", 1, 100_000), ("workers", 1, 256), ("fps", 1, 60), ("min_free", 0, 1e6)):
        if not low <= getattr(args, name) <= high:
            raise GoaltraceError(f"--{name.replace('_', '-')}: {getattr(args, name)} is not between {low} and {high}")
    if args.redact is not None and args.agent != "human":
        raise GoaltraceError("--redact: is for people (--agent human); what agents type is in their tasks")
    _check_out(args.out)
    if not args.dry_run:
        require_space(args.out, int(args.min_free * 2**30))
    if args.display or args.env == "display":
        from collector.human.own_screen import record_own_screen

        return record_own_screen(args)
    if not args.tasks:
        raise GoaltraceError("which task? give one or more of: goaltrace tasks")
    tasks = [find_task(name) for name in args.tasks]
    for task in tasks:
        if agent_entry(args.agent).scripted and not task.script:
            raise GoaltraceError(f"task {task.id}: has no script for an agent; record it with --agent human")
    specs = list(_specs(tasks, args))
    if args.dry_run:
        for spec in specs:
            print(f"{spec.episode_id}: {spec.task.goal}")
        return 0
    if args.agent == "human":
        from collector.human.in_browser import record_in_browser

        return record_in_browser(specs, args)
    environment = environment_of(args.env, args.system)
    environment.prepare({task.kind for task in tasks})
    results, interrupted = _record(environment, specs, args)
    print_results(results, args)
    if interrupted:
        print("stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    return 0 if any(result.outcome != "aborted" for result in results) else 1


def _specs(tasks: list[TaskManifest], args: argparse.Namespace) -> Iterator[EpisodeSpec]:
    from collector.episodes.spec import EpisodeSpec

    for number in range(args.episodes):
        for task in tasks:
            yield EpisodeSpec.of(
                task.instantiate(args.seed + number),
                session_id=uuid.uuid4().hex,
                agent=args.agent,
                fps=args.fps,
                environment=args.env,
                max_duration_s=args.max_duration,
                min_free_bytes=int(args.min_free * 2**30),
                capture=args.capture,
            )


def _check_out(out: Path) -> None:
    """Refuse a folder that holds something else than sessions."""
    from manifests.errors import GoaltraceError

    if out.exists() and not out.is_dir():
        raise GoaltraceError(f"{out}: is a file; --out wants a folder")
    if not out.is_dir():
        return
    for path in sorted(out.iterdir()):
        ours = path.name == "aborted" or (
            path.is_dir() and ((path / "session.json").exists() or not any(path.iterdir()))
        )
        if not ours:
            raise GoaltraceError(f"{out}: exists and holds other things ({path.name}); choose another --out")


def environment_of(name: str, system: str | None) -> Environment:
    """Where episodes run: "local" or "docker"; `system` chooses among the images."""
    if name == "local":
        from collector.environments.local import LocalEnvironment

        return LocalEnvironment()
    from collector.environments.docker import DockerEnvironment

    return DockerEnvironment(system)


def _record(
    environment: Environment, specs: list[EpisodeSpec], args: argparse.Namespace
) -> tuple[list[EpisodeResult], bool]:
    from tqdm import tqdm

    from collector.campaign import Campaign

    results: list[EpisodeResult] = []
    times: dict[str, float] = {}
    with tqdm(total=len(specs), unit="episode", disable=None, desc="recording") as bar:

        def done(result: EpisodeResult) -> None:
            results.append(result)
            times.pop(result.episode_id, None)
            bar.update()
            if not args.json:
                bar.write(result_line(result), file=sys.stdout)

        def report(episode: str, event: dict[str, Any]) -> None:
            if event.get("event") == "time":
                times[episode] = float(event["seconds"])
                bar.set_postfix_str(" ".join(f"{s:.0f}s" for s in list(times.values())))
            elif event.get("event") == "warning" and event.get("text"):
                bar.write(f"warning: {episode}: {event['text']}", file=sys.stderr)

        try:
            Campaign(environment, args.out, args.workers).run(specs, done, report)
        except KeyboardInterrupt:
            return results, True
    return results, False


def result_line(result: EpisodeResult) -> str:
    """One episode's end, as a line to print."""
    seconds = f"{result.seconds:5.1f} s" if result.seconds else "       "
    return f"{result.outcome:<10} {seconds}  {result.episode_id}  ({result.detail})"


def print_results(results: list[EpisodeResult], args: argparse.Namespace) -> None:
    """The end of the command: a summary, or with --json every result."""
    if args.json:
        print(json.dumps({"out": str(args.out), "episodes": [asdict(result) for result in results]}, indent=2))
        return
    outcomes = [result.outcome for result in results]
    summary = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    minutes = sum(result.seconds for result in results) / 60
    print(f"{args.out}: {len(results)} sessions ({summary or 'none'}), {minutes:.1f} min")
    aborted = [result for result in results if result.outcome == "aborted"]
    if aborted and len(results) > 1:
        first = f"the first, {aborted[0].episode_id}: {aborted[0].detail}"
        print(f"{len(aborted)} of {len(results)} aborted; {first}", file=sys.stderr)
