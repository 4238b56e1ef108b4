"""`goaltrace record TASK --agent human`: a person works in a container's desktop, seen through a page on 127.0.0.1."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from collector.human.consent import new_consent_id, require_consent_id
from manifests.errors import GoaltraceError
from manifests.secrets import read_list
from manifests.session import SessionFolder

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult
    from collector.episodes.spec import EpisodeSpec
    from collector.human.visit import Visit

PERSON_S = 600.0
"""A person's time for a task unless --max-duration says otherwise; the tasks' own limits are made for scripts."""


def record_in_browser(specs: list[EpisodeSpec], args: argparse.Namespace) -> int:
    """Record `specs`, one after another, with the person who opens the page; the exit status."""
    from collector.campaign import recorded_before
    from collector.commands.record import print_results, result_line
    from collector.environments.docker import DockerEnvironment
    from collector.human.visit import Visit

    _check(specs, args)
    consent_id = args.consent_id or new_consent_id()
    environment = DockerEnvironment(args.system)
    environment.prepare({"desktop"})

    results: list[EpisodeResult] = []

    def done(result: EpisodeResult) -> None:
        results.append(result)
        if not args.json:
            print(result_line(result), flush=True)

    left: list[EpisodeSpec] = []
    for spec in _of_person(specs, consent_id, args):
        before = recorded_before(SessionFolder(args.out / spec.episode_id))
        if before is None:
            left.append(spec)
        else:
            done(before)
    interrupted = False
    try:
        if left:
            asyncio.run(_serve(Visit(environment, left, args.out, consent_id, done=done), args))
    except (KeyboardInterrupt, asyncio.CancelledError):
        interrupted = True
    finally:
        environment.remove_all()
    print_results(results, args)
    if interrupted:
        print("stopped; what was recorded is kept", file=sys.stderr)
        return 130
    return 1 if all(result.outcome == "aborted" for result in results) else 0


def _check(specs: Sequence[EpisodeSpec], args: argparse.Namespace) -> None:
    for spec in specs:
        if spec.task.kind != "desktop":
            raise GoaltraceError(
                f"task {spec.task.id}: people record desktop tasks (a desktop has a terminal in it); "
                "see: goaltrace tasks"
            )
    if args.env != "docker":
        raise GoaltraceError(f"--env {args.env}: a person works in a container (--env docker) or on --display :N")
    if args.workers != 1:
        raise GoaltraceError("--workers: a person records one episode at a time; leave it out")
    if args.consent_id is not None:
        require_consent_id(args.consent_id)


def _of_person(specs: Sequence[EpisodeSpec], consent_id: str, args: argparse.Namespace) -> list[EpisodeSpec]:
    """`specs` as this person does them; two people who do the same task both keep a session."""
    limit = {} if args.max_duration else {"max_duration_s": PERSON_S}
    who = {"consent_id": consent_id, "redact": read_list(args.redact) if args.redact else ()}
    return [spec.model_copy(update={"episode_id": f"{spec.episode_id}-{consent_id}", **who, **limit}) for spec in specs]


async def _serve(visit: Visit, args: argparse.Namespace) -> None:
    from collector.human.server import make_app
    from manifests.pages import new_token, opened, serving

    token = new_token()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ())):
        try:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        except NotImplementedError:  # Windows
            pass
    async with serving(make_app(token, visit), token, args.port) as address:
        print(f"{address}\nopen this page to record; it is for you alone; Ctrl-C ends", file=sys.stderr, flush=True)
        # without a screen there is only a text browser, and it would take the terminal
        screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
        with opened(address) if screen and not args.no_open else nullcontext():
            await visit.run()
