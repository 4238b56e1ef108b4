"""`goaltrace record --agent human`: the dialogue with the person at this terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from collector.commands.episodes import print_results, result_line

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult
    from collector.human.own_screen import ConsentQuestion, Order

_WORDS: dict[str, Order] = {
    "": "done", "done": "done", "pause": "pause", "resume": "resume", "hide": "hide", "show": "show",
    "give up": "give-up", "give-up": "give-up", "discard": "discard",
}  # fmt: skip
"""What is typed in the terminal, and what the recorder is asked for."""
_HELP = """\
Recording. A mark at the top of the screen says so as long as it lasts.
  pause, resume   {hotkey} in any window, or type pause / resume here
  hide, show      type hide / show here: the recording stays blank in between
  finish          press Enter or Ctrl-C here (or type "give up")
  throw away      type discard here"""
_VIEWS = {"open": "recording", "paused": "paused: neither pictures nor keys are kept",
          "hidden": "hidden: pictures are blank and keys have no names"}  # fmt: skip


def own_screen(args: argparse.Namespace) -> int:
    """Record one session of the person at this terminal, on their own screen; the exit status."""
    from collector.agent_registry import agent_entry
    from collector.human.own_screen import LONGEST_S, WHAT, OwnScreenOptions, plan_own_screen, record_own_screen
    from manifests.errors import GoaltraceError

    if not agent_entry(args.agent).person:
        raise GoaltraceError(
            "--display: only a person acts on their own screen; add --agent human, or leave out --display to record "
            "an agent in a container"
        )
    if args.episodes != 1 or args.workers != 1:
        raise GoaltraceError("--episodes, --workers: a person's own screen is recorded once at a time; leave them out")
    if len(args.tasks) > 1:
        raise GoaltraceError(WHAT)
    options = OwnScreenOptions(
        out=args.out, goal=args.goal, task=args.tasks[0] if args.tasks else None, seed=args.seed,
        display=args.display, fps=args.fps, max_duration_s=args.max_duration or LONGEST_S,
        min_free_gib=args.min_free, capture=args.capture, inputs=args.inputs, hotkey=args.hotkey,
        consent_id=args.consent_id, redact=_redact(args),
    )  # fmt: skip
    if args.dry_run:
        spec = plan_own_screen(options)
        print(f"{spec.episode_id}: {spec.task.goal}")
        return 0
    done = record_own_screen(options, _AtTerminal())
    (result,) = done.episodes
    if result.outcome == "discarded":
        print("thrown away: nothing of it is left", file=sys.stderr)
    elif not args.json:
        print(result_line(result))
        print(f"recorded under the consent {done.consent_id}")
    print_results(done.episodes, args.out, args.json)
    return 1 if done.aborted else 0


def in_browser(args: argparse.Namespace) -> int:
    """Record the tasks with the person who opens the page; the exit status."""
    from collector.human.in_browser import PERSON_S, BrowserOptions, record_in_browser
    from manifests.errors import GoaltraceError

    if args.env != "docker":
        raise GoaltraceError(f"--env {args.env}: a person works in a container (--env docker) or on --display :N")
    if args.workers != 1:
        raise GoaltraceError("--workers: a person records one episode at a time; leave it out")
    options = BrowserOptions(
        out=args.out, episodes=args.episodes, seed=args.seed, fps=args.fps,
        max_duration_s=args.max_duration or PERSON_S, min_free_gib=args.min_free, capture=args.capture,
        system=args.system, consent_id=args.consent_id, redact=_redact(args), port=args.port,
        open_browser=not args.no_open,
    )  # fmt: skip
    ended: list[EpisodeResult] = []

    def on_page(address: str) -> None:
        print(f"{address}\nopen this page to record; it is for you alone; Ctrl-C ends", file=sys.stderr, flush=True)

    def on_result(result: EpisodeResult) -> None:
        ended.append(result)
        if not args.json:
            print(result_line(result), flush=True)

    def on_note(text: str) -> None:
        print(text, file=sys.stderr)

    try:
        done = record_in_browser(args.tasks, options, on_page=on_page, on_result=on_result, on_note=on_note)
    except KeyboardInterrupt:
        print_results(ended, args.out, args.json)
        print("stopped; what was recorded is kept", file=sys.stderr)
        return 130
    print_results(done.episodes, args.out, args.json)
    return 1 if done.aborted else 0


def _redact(args: argparse.Namespace) -> tuple[str, ...]:
    from manifests.secrets import read_list

    return read_list(args.redact) if args.redact else ()


class _AtTerminal:
    """The dialogue with the person at this terminal: questions on standard error, answers from standard input."""

    def agrees(self, question: ConsentQuestion) -> bool:
        """Show the text and ask; no option can agree for the person."""
        from manifests.errors import GoaltraceError

        if not sys.stdin.isatty():
            raise GoaltraceError(
                "a person must agree before they are recorded: run this in a terminal, where it can ask"
            )
        try:
            print(f"{question.passwords()}\n", file=sys.stderr)
            print(f"{question.text}\n\n(consent text, version {question.version})\n", file=sys.stderr)
            print('Type "yes" to agree and start; anything else ends here: ', end="", file=sys.stderr, flush=True)
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            answer = ""
        return answer.strip().lower() == "yes"

    def orders(self) -> Iterator[Order]:
        """What is typed, a line an order, as long as the terminal is there."""
        while line := sys.stdin.readline():
            word = " ".join(line.lower().split())
            if word in _WORDS:
                yield _WORDS[word]
            else:
                print(f"{word!r}: type one of {', '.join(filter(None, _WORDS))}", file=sys.stderr)

    def recording(self, goal: str, hotkey: str) -> None:
        print(f"\nYour goal: {goal}\n\n" + _HELP.format(hotkey=hotkey), file=sys.stderr, flush=True)

    def view(self, view: str) -> None:
        print(f"[{_VIEWS.get(view, view)}]", file=sys.stderr, flush=True)

    def warning(self, text: str) -> None:
        print(f"warning: {text or 'over: pictures are taken in time again'}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        print(f"note: {text}", file=sys.stderr, flush=True)
