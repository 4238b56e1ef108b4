"""A person's visit: consent, then one session after another. It has a state, which the page shows, and takes commands.

It knows nothing of HTTP. All of it runs in one event loop; what blocks (Docker) runs in threads.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from collector.campaign import STOP_S, EpisodeResult, mark_aborted, move_to_aborted, result_of
from collector.environments.docker import DockerEnvironment
from collector.episodes.spec import EpisodeSpec
from collector.human import consent as words
from collector.human.desktop import PersonDesktop
from collector.human.in_threads import entered_in_threads
from manifests.consent import Consent
from manifests.errors import GoaltraceError
from manifests.files import write_json
from manifests.session import SessionFolder

Phase = Literal["consent", "opening", "ready", "starting", "recording", "ending", "ended", "finished"]
SWITCHES = ("pause", "resume", "hide", "show")
ENDS = ("done", "give-up", "discard")
PAUSED_NOTE = "The page was closed or loaded again, so the recording was paused. Press Resume to go on."
STOPPED = "stopped in the terminal"
GRACE_S = 600.0
"""How long a recording waits, paused, for its page to come back."""


class Visit:
    """Records `specs` into `out` with the person at the page; `done` is called with each session as it ends."""

    def __init__(
        self, environment: DockerEnvironment, specs: Sequence[EpisodeSpec], out: Path, consent_id: str, *,
        done: Callable[[EpisodeResult], None], grace_s: float = GRACE_S,
    ) -> None:  # fmt: skip
        self._environment = environment
        self._specs = specs
        self._out = out
        self._consent_id = consent_id
        self._done = done
        self._grace_s = grace_s
        self.news = asyncio.Event()
        """Set when `state()` has changed."""
        self.desktop: PersonDesktop | None = None
        self.novnc: dict[str, bytes] = {}
        self._phase: Phase = "consent"
        self._spec = specs[0]
        self._number = 0
        self._view = "open"
        self._seconds = 0.0
        self._notes: list[str] = []
        self._warning = ""
        self._discarded = False
        self._end: dict[str, str] = {}
        self._choice: asyncio.Future[str] | None = None
        self._choices: tuple[str, ...] = ()
        self._commands: asyncio.Queue[bytes] = asyncio.Queue()
        self._grace: asyncio.TimerHandle | None = None

    def state(self) -> dict[str, Any]:
        """Everything the page shows."""
        shown = self.desktop if self._phase in ("ready", "starting", "recording", "ending") else None
        return {
            "phase": self._phase,
            "consent": {"id": self._consent_id, "version": words.TEXT_VERSION, "text": words.TEXT},
            "task": {"goal": self._spec.task.goal, "number": self._number, "of": len(self._specs)},
            "screen": {
                "width": self._spec.width,
                "height": self._spec.height,
                "password": shown.password if shown else None,
            },
            "view": self._view,
            "seconds": self._seconds,
            "notes": self._notes,
            "warning": self._warning if self._phase == "recording" else "",
            "end": self._end,
        }

    async def run(self) -> None:
        """The whole visit; cancel it to end the running session cleanly."""
        try:
            await self._choose("consent")
            consent = words.give_consent(self._consent_id, "page")
            for number, spec in enumerate(self._specs, 1):
                self._number, self._spec = number, spec
                await self._episode(spec, consent)
                if self._end["outcome"] == "left":
                    break
                if number < len(self._specs) and await self._choose("next", "finish") == "finish":
                    break
        finally:
            self._go("finished")

    def do(self, command: str) -> None:
        """A command from the page; one that does not fit the moment is ignored."""
        if command in self._choices and self._choice is not None and not self._choice.done():
            self._choice.set_result(command)
        elif self._phase == "recording" and command in SWITCHES + ENDS:
            self._send(command, "page" if command in SWITCHES else "")
            if command == "resume":
                self._notes = [note for note in self._notes if note != PAUSED_NOTE]
            if command in ENDS:
                self._discarded = command == "discard"
                self._go("ending")

    def page_came(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def page_left(self) -> None:
        """Nobody watches: pause, show nothing more, and wait for a while."""
        if self._phase in ("starting", "recording"):
            self._send("pause", "the page was closed")
            self._send("show", "page")
            self._notes = [*(note for note in self._notes if note != PAUSED_NOTE), PAUSED_NOTE]
        if self._phase not in ("consent", "finished"):
            self._grace = asyncio.get_running_loop().call_later(self._grace_s, self._abandoned)

    def _abandoned(self) -> None:
        if self._phase in ("starting", "recording"):
            self._send("stop", f"the page was closed for {self._grace_s:.0f} s")
            self._go("ending")
        for way_out in ("leave", "finish"):
            self.do(way_out)

    async def _choose(self, *choices: str) -> str:
        """Wait until the page gives one of these commands."""
        self._choice = asyncio.get_running_loop().create_future()
        self._choices = choices
        try:
            return await self._choice
        finally:
            self._choices = ()

    async def _episode(self, spec: EpisodeSpec, consent: Consent) -> None:
        """One session. Ctrl-C in the middle of it ends it like any other, before it goes on its way."""
        folder = SessionFolder(self._out / spec.episode_id)
        move_to_aborted(folder)
        self._view, self._seconds, self._discarded, self._end = "open", 0.0, False, {}
        self._notes, self._warning, self._commands = [], "", asyncio.Queue()
        self._go("opening")
        problem = ""
        try:
            spec = self._environment.describe(spec)
            async with entered_in_threads(self._environment.container(spec, folder.path, vnc=True)) as container:
                desktop = await asyncio.to_thread(PersonDesktop, container, spec)
                self.novnc = self.novnc or await asyncio.to_thread(desktop.novnc)
                self.desktop = desktop
                self._go("ready")
                try:
                    if await self._choose("start", "leave") == "start":
                        self._go("starting")
                        write_json(folder.consent_path, consent)
                        await self._record(desktop)
                finally:
                    self.desktop = None  # from here on the page need not try to see it
            if folder.manifest_path.is_file():  # what the container left of it is not the person's word
                write_json(folder.consent_path, consent)
        except (GoaltraceError, OSError) as error:
            problem = str(error).removeprefix(f"episode {spec.episode_id}: ")
        finally:
            self._conclude(self._result(folder, spec, problem))

    async def _record(self, desktop: PersonDesktop) -> None:
        """From the recorder's start to its end."""
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(desktop.start_recorder)
        sending = asyncio.create_task(self._send_commands(desktop, self._commands))

        def report(event: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self._on_progress, event)

        following = asyncio.ensure_future(asyncio.to_thread(desktop.follow_recorder, report))
        try:
            await asyncio.shield(following)
        except asyncio.CancelledError:
            self._send("stop", STOPPED)
            await asyncio.wait([following], timeout=STOP_S)
            following.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise
        finally:
            sending.cancel()

    @staticmethod
    async def _send_commands(desktop: PersonDesktop, commands: asyncio.Queue[bytes]) -> None:
        while True:
            await asyncio.to_thread(desktop.send_to_recorder, await commands.get())

    def _send(self, command: str, reason: str) -> None:
        self._commands.put_nowait(json.dumps({"do": command, "reason": reason}).encode() + b"\n")

    def _on_progress(self, event: dict[str, Any]) -> None:
        """A line of the recorder's progress."""
        match event.get("event"):
            case "recording":
                self._go("recording" if self._phase == "starting" else self._phase)
            case "time":
                if int(self._seconds) == int(event["seconds"]):
                    return  # the page shows whole seconds
                self._seconds = float(event["seconds"])
            case "note":
                self._notes.append(str(event["text"]))
            case "warning":
                self._warning = str(event["text"])
            case "state":
                self._view = str(event["view"])
            case "end":
                self._phase = "ending"  # by itself, perhaps: its time was over, or the disk full
        self.news.set()

    def _result(self, folder: SessionFolder, spec: EpisodeSpec, problem: str) -> EpisodeResult:
        """What became of the episode; a folder in which nothing was recorded does not stay."""
        if self._discarded:
            try:
                shutil.rmtree(folder.path)
            except OSError as error:
                raise GoaltraceError(f"{folder.path}: not removed ({error.strerror}); remove this folder") from None
            return EpisodeResult(spec.episode_id, "discarded", "thrown away by the person; nothing was kept")
        if not folder.manifest_path.is_file():
            shutil.rmtree(folder.path, ignore_errors=True)
            return EpisodeResult(spec.episode_id, "aborted" if problem else "left", problem or "nothing was recorded")
        if problem or folder.read_manifest().state == "recording":
            mark_aborted(folder, problem or STOPPED)
        return result_of(folder)

    def _conclude(self, result: EpisodeResult) -> None:
        self._done(result)
        folder = self._out / result.episode_id
        self._end = {"outcome": result.outcome, "detail": result.detail}
        if folder.exists():
            self._end |= {"folder": str(folder), "view": shlex.join(["goaltrace", "view", str(folder)])}
        self._go("ended")

    def _go(self, phase: Phase) -> None:
        self._phase = phase
        self.news.set()
