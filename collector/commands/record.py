"""`goaltrace record`: record episodes of tasks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from collector.agent_registry import agent_entry, recorded_agents
from collector.commands.episodes import print_results, result_line
from collector.commands.images import add_system

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="a task's id (see: goaltrace tasks) or a .yaml file")
    parser.add_argument("--agent", choices=[entry.name for entry in recorded_agents()], default="scripted",
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
    """The exit status."""
    from collector.campaign import require_sessions_folder
    from collector.commands import record_person
    from collector.ranges import require_between
    from collector.record import plan_recording
    from manifests.errors import GoaltraceError

    require_between("--episodes", args.episodes, 1, 100_000)
    require_between("--workers", args.workers, 1, 256)
    if args.redact is not None and not agent_entry(args.agent).person:
        raise GoaltraceError("--redact: is for people (--agent human); what agents type is in their tasks")
    require_sessions_folder(args.out)
    if args.display or args.env == "display":
        return record_person.own_screen(args)
    if args.dry_run:
        for spec in plan_recording(
            args.tasks, agent=args.agent, env=args.env, episodes=args.episodes, seed=args.seed, fps=args.fps,
            max_duration_s=args.max_duration, min_free_gib=args.min_free, capture=args.capture,
        ):  # fmt: skip
            print(f"{spec.episode_id}: {spec.task.goal}")
        return 0
    return record_person.in_browser(args) if agent_entry(args.agent).person else _agents(args)


def _agents(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from collector.record import record
    from manifests.progress import as_bar

    ended: list[EpisodeResult] = []

    def on_result(result: EpisodeResult) -> None:
        ended.append(result)
        if not args.json:
            tqdm.write(result_line(result), file=sys.stdout)

    try:
        with as_bar() as on_progress:
            done = record(
                args.tasks, out=args.out, agent=args.agent, env=args.env, episodes=args.episodes,
                workers=args.workers, seed=args.seed, fps=args.fps, max_duration_s=args.max_duration,
                min_free_gib=args.min_free, capture=args.capture, system=args.system, on_result=on_result,
                on_progress=on_progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        print_results(ended, args.out, args.json)
        print("stopped; the same command goes on where it stopped", file=sys.stderr)
        return 130
    print_results(done.episodes, args.out, args.json)
    return 1 if done.aborted else 0
