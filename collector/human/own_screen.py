"""A person records their own desktop: asked for consent first, kept informed, and able to stop it at any moment."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from collector.campaign import EpisodeResult, mark_aborted, require_sessions_folder, result_of
from collector.environments.display import DisplayRecorder
from collector.episodes.spec import CaptureChoice, EpisodeSpec, episode_name
from collector.human.consent import TEXT, TEXT_VERSION, give_consent, new_consent_id, require_consent_id
from collector.human.screens import find_screen
from collector.ranges import require_between
from collector.record import RecordResult, TaskLike, manifest_of
from collector.recording.hotkey import Hotkey
from collector.recording.watch import require_space
from manifests.errors import GoaltraceError
from manifests.files import write_json
from manifests.permissions import OWNER_ONLY, umask_at_least
from manifests.session import SessionFolder
from manifests.task import TaskInstance, TaskManifest
from manifests.versions import SCHEMA_VERSION

Order = Literal["done", "pause", "resume", "hide", "show", "give-up", "discard"]
"""What the person may order while they are recorded."""
LONGEST_S = 3600.0
"""A recording that somebody forgot ends by itself."""
WHAT = 'what are you going to do? give either --goal "a sentence" or one TASK, whose goal is shown'


@dataclass(frozen=True, kw_only=True)
class OwnScreenOptions:
    """How a person's own screen is recorded. Either `goal` or `task` says what they are going to do."""

    out: Path
    """Folder of sessions."""
    goal: str | None = None
    """In the person's words, 5 to 1000 characters."""
    task: TaskLike | None = None
    """A desktop task, whose goal is shown; its set-up and check stay in containers."""
    seed: int = 0
    """Of the task's parameters."""
    display: str | None = None
    """An X display; None: $DISPLAY, or this machine's only screen (Windows, macOS)."""
    fps: float = 15.0
    max_duration_s: float = LONGEST_S
    min_free_gib: float = 2.0
    capture: CaptureChoice = "auto"
    inputs: Literal["auto", "xserver", "callback"] = "auto"
    """Where input events and their times come from."""
    hotkey: str = "ctrl+alt+p"
    """Pauses and resumes, in any window."""
    consent_id: str | None = None
    """The person's pseudonym; None: a new one."""
    redact: tuple[str, ...] = ()
    """Strings of the person's own, to be taken out of what they type as well."""


@dataclass(frozen=True)
class ConsentQuestion:
    """What a person must know before they agree."""

    text: str = TEXT
    version: str = TEXT_VERSION

    def passwords(self) -> str:
        """What is known of password fields on this desktop, in one line. The desktop is asked: up to 10 s."""
        return _about_passwords()


class Dialogue(Protocol):
    """How a recording speaks with its person: in the thread that called, but for `orders`, which has one of its own."""

    def agrees(self, question: ConsentQuestion) -> bool:
        """Whether the person agrees, here and now. It is theirs to say: no program may answer for them."""

    def orders(self) -> Iterable[Order]:
        """What the person orders, as they do it; where it ends, the recording is done."""

    def recording(self, goal: str, hotkey: str) -> None:
        """The recording has begun."""

    def view(self, view: str) -> None:
        """What is kept from now on: "open", all of it; "hidden", blank pictures and keys without names; "paused"."""

    def warning(self, text: str) -> None:
        """Pictures are not taken in time; empty: they are again."""

    def note(self, text: str) -> None:
        """Something worth knowing about this recording."""


def record_own_screen(options: OwnScreenOptions, dialogue: Dialogue) -> RecordResult:
    """Record one session of a person on their own screen, once they have agreed; it is for this user alone.

    Ctrl-C ends the recording well, as the order "done" does; SIGTERM and SIGHUP do the same in the main thread.
    A session that was thrown away has the outcome "discarded". Raises `GoaltraceError` where the person does not
    agree or the screen cannot be recorded; nothing is written then.
    """
    with umask_at_least(OWNER_ONLY):
        require_sessions_folder(options.out)
        require_space(options.out, int(options.min_free_gib * 2**30))
        spec = plan_own_screen(options)
        assert spec.consent_id is not None
        if not dialogue.agrees(ConsentQuestion()):
            raise GoaltraceError("not agreed to: nothing was recorded")
        folder = SessionFolder(options.out / spec.episode_id)
        folder.path.mkdir(parents=True)
        write_json(folder.consent_path, give_consent(spec.consent_id, "terminal"))
        return RecordResult(options.out, (_record(spec, folder, dialogue),), spec.consent_id)


def plan_own_screen(options: OwnScreenOptions) -> EpisodeSpec:
    """What `record_own_screen` would record; nobody is asked, and nothing is written.

    Raises `GoaltraceError` for options that cannot be meant and for a screen that cannot be recorded.
    """
    require_between("--fps", options.fps, 1, 60)
    require_between("--min-free", options.min_free_gib, 0, 1e6)
    if options.consent_id is not None:
        require_consent_id(options.consent_id)
    task = _task(options)
    screen = find_screen(options.display, options.inputs, Hotkey(options.hotkey))
    consent_id = options.consent_id or new_consent_id()
    spec = EpisodeSpec.of(
        task, session_id=uuid.uuid4().hex, agent="human", fps=options.fps, environment="display",
        max_duration_s=options.max_duration_s, min_free_bytes=int(options.min_free_gib * 2**30),
        capture=options.capture,
    )  # fmt: skip
    name = f"{episode_name(task.manifest.id, 'human', options.seed)}-{consent_id}"
    return spec.model_copy(
        update={
            "episode_id": _free_name(options.out, name),
            "width": screen.width,
            "height": screen.height,
            "display": screen.display,
            "inputs": options.inputs,
            "hotkey": options.hotkey,
            "consent_id": consent_id,
            "redact": tuple(options.redact),
        }
    )


def _task(options: OwnScreenOptions) -> TaskInstance:
    """What the person is going to do: in their words, or a task's goal. Its set-up and check stay in containers."""
    if (not options.goal) == (options.task is None):
        raise GoaltraceError(WHAT)
    if options.task is not None:
        instance = manifest_of(options.task).instantiate(options.seed)
        if instance.manifest.kind != "desktop":
            raise GoaltraceError(f"task {instance.manifest.id}: is a terminal's; see the desktop ones: goaltrace tasks")
        bare = instance.manifest.model_copy(update={"setup": [], "script": [], "check": [], "requires": []})
        return instance.model_copy(update={"manifest": bare})
    goal = " ".join((options.goal or "").split())
    if not 5 <= len(goal) <= 1000:
        raise GoaltraceError("--goal: say in 5 to 1000 characters what you are going to do")
    about = {"schema_version": SCHEMA_VERSION, "id": "free-desktop", "kind": "desktop", "family": "free", "goal": goal}
    free = TaskManifest.model_validate(about | {"script": [], "check": []})
    return TaskInstance(manifest=free, parameters={}, seed=options.seed)


def _free_name(out: Path, name: str) -> str:
    """People do things more than once: nothing that was recorded before is ever in the way."""
    numbers = (f"{name}-{number}" for number in range(2, 100_000))
    return next(free for free in (name, *numbers) if not (out / free).exists())


def _about_passwords() -> str:
    """What the person must know of password fields on this desktop before they agree."""
    hint = 'pause or type "hide" before you enter a password'
    if not sys.platform.startswith("linux"):
        return f"Password fields are not recognised on this system: {hint}."
    check = [sys.executable, "-m", "collector.human.password_watch", "--check"]
    try:
        done = subprocess.run(check, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False)
        found = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        found = {"error": "the desktop does not answer"}
    if "error" in found:
        return f"Password fields are not recognised here ({found['error']}): {hint}."
    if not found.get("everywhere"):
        return (
            f"Password fields are recognised in GTK programs; browsers and Qt programs do not report theirs: {hint} "
            "there, or turn accessibility on first and restart them "
            "(gsettings set org.gnome.desktop.interface toolkit-accessibility true)."
        )
    return f"Password fields are recognised in programs that report them; a terminal does not: {hint} there."


def _record(spec: EpisodeSpec, folder: SessionFolder, dialogue: Dialogue) -> EpisodeResult:
    try:
        with _hangup_is_ctrl_c(), DisplayRecorder(spec, folder.path) as recorder:
            end = _follow(recorder, spec, dialogue)
    except GoaltraceError as error:
        mark_aborted(folder, str(error))
        if not folder.manifest_path.is_file():  # it never began
            shutil.rmtree(folder.path)
            raise
        return EpisodeResult(spec.episode_id, "aborted", str(error))
    if end.get("outcome") == "discarded":
        shutil.rmtree(folder.path)
        return EpisodeResult(spec.episode_id, "discarded", "thrown away")
    return result_of(folder)


def _follow(recorder: DisplayRecorder, spec: EpisodeSpec, dialogue: Dialogue) -> dict[str, Any]:
    """Pass orders to the recorder and its progress to the dialogue until it ends; its last event."""
    incoming: queue.Queue[dict[str, Any] | str | Exception | None] = queue.Queue()
    threading.Thread(target=_read_events, args=(recorder, incoming), daemon=True).start()
    threading.Thread(target=_take_orders, args=(dialogue, incoming), daemon=True).start()
    last: dict[str, Any] = {}
    while True:
        try:
            item = incoming.get(timeout=0.5)  # a wait without end does not see Ctrl-C on Windows
        except queue.Empty:
            continue
        except KeyboardInterrupt:
            recorder.send("done")
            continue
        if item is None:
            return last
        if isinstance(item, Exception):
            raise item
        if isinstance(item, str):
            recorder.send(item)
        else:
            last = item
            _pass_on(item, spec, dialogue)


def _pass_on(event: dict[str, Any], spec: EpisodeSpec, dialogue: Dialogue) -> None:
    match event.get("event"):
        case "recording":
            dialogue.recording(spec.task.goal, spec.hotkey or "")
        case "state":
            dialogue.view(str(event.get("view")))
        case "warning":
            dialogue.warning(str(event.get("text") or ""))
        case "note":
            dialogue.note(str(event.get("text")))


def _read_events(recorder: DisplayRecorder, incoming: queue.Queue[Any]) -> None:
    try:
        for event in recorder.events():
            incoming.put(event)
    except (GoaltraceError, OSError, ValueError) as error:
        incoming.put(error)
    incoming.put(None)


def _take_orders(dialogue: Dialogue, incoming: queue.Queue[Any]) -> None:
    try:
        for order in dialogue.orders():
            incoming.put(order)
    except Exception as error:  # the caller's own fault ends the recording, and not only this thread
        incoming.put(error)
    incoming.put("done")  # nobody is there any more who could stop it


@contextmanager
def _hangup_is_ctrl_c() -> Iterator[None]:
    """A closed terminal window, or a kill, ends the recording as Ctrl-C does. Only the main thread may see to that."""
    main = threading.current_thread() is threading.main_thread()
    names = [name for name in ("SIGHUP", "SIGTERM") if main and hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
