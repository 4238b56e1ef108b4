"""`goaltrace record --display :0 --agent human --goal "..."`: a person records their own desktop from a terminal."""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.environments.display import DisplayRecorder
from collector.episodes.spec import EpisodeSpec, episode_name
from collector.human.consent import TEXT, TEXT_VERSION, give_consent, new_consent_id, require_consent_id
from collector.human.screens import OwnScreen, find_screen
from collector.recording.hotkey import Hotkey
from manifests.errors import GoaltraceError
from manifests.files import write_json
from manifests.secrets import read_list
from manifests.session import SessionFolder
from manifests.task import TaskInstance, TaskManifest, find_task
from manifests.versions import SCHEMA_VERSION

if TYPE_CHECKING:
    from collector.campaign import EpisodeResult

LONGEST_S = 3600.0
"""A recording that somebody forgot ends by itself."""
_WORDS = {"": "done", "done": "done", "pause": "pause", "resume": "resume", "hide": "hide", "show": "show",
          "give up": "give-up", "give-up": "give-up", "discard": "discard"}  # fmt: skip
"""What is typed in the terminal -> what the recorder is told."""
_HELP = """\
Recording. A mark at the top of the screen says so as long as it lasts.
  pause, resume   {hotkey} in any window, or type pause / resume here
  hide, show      type hide / show here: the recording stays blank in between
  finish          press Enter or Ctrl-C here (or type "give up")
  throw away      type discard here"""
_VIEWS = {"open": "recording", "paused": "paused: neither pictures nor keys are kept",
          "hidden": "hidden: pictures are blank and keys have no names"}  # fmt: skip


def record_own_screen(args: argparse.Namespace) -> int:
    """Record one session of the person at this terminal, on their own screen; the exit status."""
    from collector.commands.record import print_results, result_line

    _check(args)
    task = _task(args)
    screen = find_screen(args.display, args.inputs, Hotkey(args.hotkey))
    spec = _spec(args, task, screen)
    if args.dry_run:
        print(f"{spec.episode_id}: {spec.task.goal}")
        return 0
    _ask_consent()
    folder = SessionFolder(args.out / spec.episode_id)
    folder.path.mkdir(parents=True)
    assert spec.consent_id is not None
    write_json(folder.consent_path, give_consent(spec.consent_id, "terminal"))
    result = _record(spec, folder)
    if not args.json and result.outcome != "discarded":
        print(result_line(result))
        print(f"recorded under the consent {spec.consent_id}")
    print_results([result], args)
    return 1 if result.outcome == "aborted" else 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot be meant, before anything is asked or opened."""
    if args.agent != "human":
        raise GoaltraceError(
            "--display: only a person acts on their own screen; add --agent human, or leave out --display to record "
            "an agent in a container"
        )
    if args.episodes != 1 or args.workers != 1:
        raise GoaltraceError("--episodes, --workers: a person's own screen is recorded once at a time; leave them out")
    if args.consent_id is not None:
        require_consent_id(args.consent_id)


def _task(args: argparse.Namespace) -> TaskInstance:
    """What the person is going to do: in their words, or a task's goal. Its set-up and check stay in containers."""
    if bool(args.goal) == bool(args.tasks) or len(args.tasks) > 1:
        raise GoaltraceError(
            'what are you going to do? give either --goal "a sentence" or one TASK, whose goal is shown'
        )
    if not args.goal:
        instance = find_task(args.tasks[0]).instantiate(args.seed)
        if instance.manifest.kind != "desktop":
            raise GoaltraceError(f"task {instance.manifest.id}: is a terminal's; see the desktop ones: goaltrace tasks")
        bare = instance.manifest.model_copy(update={"setup": [], "script": [], "check": [], "requires": []})
        return instance.model_copy(update={"manifest": bare})
    goal = " ".join(args.goal.split())
    if not 5 <= len(goal) <= 1000:
        raise GoaltraceError("--goal: say in 5 to 1000 characters what you are going to do")
    about = {"schema_version": SCHEMA_VERSION, "id": "free-desktop", "kind": "desktop", "family": "free", "goal": goal}
    free = TaskManifest.model_validate(about | {"script": [], "check": []})
    return TaskInstance(manifest=free, parameters={}, seed=args.seed)


def _spec(args: argparse.Namespace, task: TaskInstance, screen: OwnScreen) -> EpisodeSpec:
    consent_id = args.consent_id or new_consent_id()
    spec = EpisodeSpec.of(
        task, session_id=uuid.uuid4().hex, agent="human", fps=args.fps, environment="display",
        max_duration_s=args.max_duration or LONGEST_S, min_free_bytes=int(args.min_free * 2**30), capture=args.capture,
    )  # fmt: skip
    return spec.model_copy(
        update={
            "episode_id": _free_name(args.out, f"{episode_name(task.manifest.id, 'human', args.seed)}-{consent_id}"),
            "width": screen.width,
            "height": screen.height,
            "display": screen.display,
            "inputs": args.inputs,
            "hotkey": args.hotkey,
            "consent_id": consent_id,
            "redact": read_list(args.redact) if args.redact else (),
        }
    )


def _free_name(out: Path, name: str) -> str:
    """People do things more than once: nothing that was recorded before is ever in the way."""
    numbers = (f"{name}-{number}" for number in range(2, 100_000))
    return next(free for free in (name, *numbers) if not (out / free).exists())


def _about_passwords() -> str:
    """What the person must know of password fields on this desktop before they agree."""
    hint = 'pause or type "hide" before you enter a password'
    if not sys.platform.startswith("linux"):
        return f"Password fields are not recognised on this system: {hint}.\n"
    check = [sys.executable, "-m", "collector.human.password_watch", "--check"]
    try:
        done = subprocess.run(check, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        found = {"error": "the desktop does not answer"}
    if "error" in found:
        return f"Password fields are not recognised here ({found['error']}): {hint}.\n"
    if not found.get("everywhere"):
        return (
            f"Password fields are recognised in GTK programs; browsers and Qt programs do not tell of theirs: {hint} "
            "there, or turn accessibility on first and restart them "
            "(gsettings set org.gnome.desktop.interface toolkit-accessibility true).\n"
        )
    return f"Password fields are recognised in programs that tell of them; a terminal does not: {hint} there.\n"


def _ask_consent() -> None:
    """Show the text and go on only if the person agrees, here and now; no option can agree for them."""
    if not sys.stdin.isatty():
        raise GoaltraceError("a person must agree before they are recorded: run this in a terminal, where it can ask")
    try:
        print(_about_passwords(), file=sys.stderr)
        print(f"{TEXT}\n\n(consent text, version {TEXT_VERSION})\n", file=sys.stderr)
        print('Type "yes" to agree and start; anything else ends here: ', end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        answer = ""
    if answer.strip().lower() != "yes":
        raise GoaltraceError("not agreed to: nothing was recorded")


def _record(spec: EpisodeSpec, folder: SessionFolder) -> EpisodeResult:
    from collector.campaign import EpisodeResult, mark_aborted, result_of

    try:
        with _hangup_is_ctrl_c(), DisplayRecorder(spec, folder.path) as recorder:
            end = _follow(recorder, spec)
    except GoaltraceError as error:
        mark_aborted(folder, str(error))
        if not folder.manifest_path.is_file():  # it never began
            shutil.rmtree(folder.path)
            raise
        return EpisodeResult(spec.episode_id, "aborted", str(error))
    if end.get("outcome") == "discarded":
        shutil.rmtree(folder.path)
        print("thrown away: nothing of it is left", file=sys.stderr)
        return EpisodeResult(spec.episode_id, "discarded", "thrown away")
    return result_of(folder)


def _follow(recorder: DisplayRecorder, spec: EpisodeSpec) -> dict[str, Any]:
    """Pass on what is typed and say what happens, until the recorder ends; its last event."""
    heard: queue.Queue[dict[str, Any] | str | BaseException | None] = queue.Queue()
    threading.Thread(target=_listen, args=(recorder, heard), daemon=True).start()
    threading.Thread(target=_read_terminal, args=(heard,), daemon=True).start()
    last: dict[str, Any] = {}
    while True:
        try:
            item = heard.get(timeout=0.5)  # a wait without end does not see Ctrl-C on Windows
        except queue.Empty:
            continue
        except KeyboardInterrupt:
            recorder.tell("done")
            continue
        if item is None:
            return last
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, str):
            _obey(recorder, item)
        else:
            last = item
            _tell_person(item, spec)


def _obey(recorder: DisplayRecorder, typed: str) -> None:
    word = " ".join(typed.lower().split())
    if word in _WORDS:
        recorder.tell(_WORDS[word])
    else:
        print(f"{word!r}: type one of {', '.join(filter(None, _WORDS))}", file=sys.stderr)


def _tell_person(event: dict[str, Any], spec: EpisodeSpec) -> None:
    match event.get("event"):
        case "recording":
            print(f"\nYour goal: {spec.task.goal}\n\n" + _HELP.format(hotkey=spec.hotkey), file=sys.stderr, flush=True)
        case "state":
            print(f"[{_VIEWS.get(str(event.get('view')), event.get('view'))}]", file=sys.stderr, flush=True)
        case "warning":
            print(
                f"warning: {event.get('text') or 'over: pictures are taken in time again'}", file=sys.stderr, flush=True
            )
        case "note":
            print(f"note: {event.get('text')}", file=sys.stderr, flush=True)


def _listen(recorder: DisplayRecorder, heard: queue.Queue[Any]) -> None:
    try:
        for event in recorder.events():
            heard.put(event)
    except (GoaltraceError, OSError, ValueError) as error:
        heard.put(error)
    heard.put(None)


def _read_terminal(heard: queue.Queue[Any]) -> None:
    while line := sys.stdin.readline():
        heard.put(line)
    heard.put("done")  # the terminal has gone, and with it the person's way to stop


@contextmanager
def _hangup_is_ctrl_c() -> Iterator[None]:
    """A closed terminal window, or a kill, ends the recording as Ctrl-C does."""
    names = [name for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
