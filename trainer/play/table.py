"""The table at which one person plays: the pace, the commands, and what the page is sent."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from manifests.errors import GoaltraceError
from trainer.data.clip import Clip
from trainer.play.film import save_film
from trainer.play.game import Game, PlayableModel, ShownFrame, spaced
from trainer.play.person import describe

T = TypeVar("T")
Send = Callable[[dict[str, Any], Sequence[bytes]], Awaitable[None]]
"""Sends one message to the page: what it says, and pictures."""
RATE_SECONDS = 3.0  # over which frames/s are counted
LOST_NS = 1_000_000_000  # a page's clock that is off by more than this was stopped
MOST_EVENTS = 1000  # of the person, in one message
MOST_GOAL = 2000  # characters
MOST_MS = 1e12  # of the page's clock


@dataclass
class Rate:
    """How fast frames are really made."""

    made: int = 0
    dropped: int = 0
    """Times at which a frame was due and the model was not done with the one before."""
    making_ms: float = 0.0
    _ends: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, frames: int, seconds: float, now: float) -> None:
        self.made += frames
        self.making_ms = 1000 * seconds
        self._ends.append((now, frames))
        while now - self._ends[0][0] > RATE_SECONDS:
            self._ends.popleft()

    def per_second(self) -> float | None:
        if len(self._ends) < 2:
            return None
        span = self._ends[-1][0] - self._ends[0][0]
        return (sum(frames for _, frames in self._ends) - self._ends[0][1]) / span if span > 0 else None

    def pause(self) -> None:
        """What follows is not counted together with what was."""
        self._ends.clear()


class Table:
    """One model, one viewer. Runs on one event loop; the model works in a thread of its own."""

    def __init__(
        self, player: PlayableModel, clips: list[Clip], clip: Clip, goal: str | None, seed: int, fps: float, run: Path
    ) -> None:
        """
        Args:
            goal: None takes each clip's own.
            fps: frames a second to be made, if the model is fast enough.
        """
        self.clips = clips
        self._player, self._seed, self._fps, self._run = player, seed, fps, run
        self._own_goal = goal is None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._game = Game(player, clip, str(clip.row["goal"]) if goal is None else goal, seed, False)
        self._began_ns = self._last_ns = time.monotonic_ns()
        self._send: Send | None = None
        self._clock_ns: int | None = None  # this machine's clock when the page's was 0
        self._heard_ns = 0  # the last event of the page, on this clock
        self._oldest: float | None = None  # the page's time of the first event that no frame shows yet
        self._visible = True
        self._playing = False
        self._steps = 0
        self._rate = Rate()
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def taken(self) -> bool:
        """Is there a viewer?"""
        return self._send is not None

    def state(self) -> dict[str, Any]:
        """What the page shows besides frames."""
        game, data = self._game, self._player.config.data
        return {
            "type": "state", "run": self._run.name, "clip": self.clips.index(game.clip), "clips": len(self.clips),
            "clip_id": game.clip.id, "kind": str(game.clip.row["kind"]), "goal": game.goal,
            "takes_text": self._player.config.model.text != "none", "width": data.width, "height": data.height,
            "fps": self._fps, "given": self._player.given, "playing": self._playing, "replay": game.replay,
            "ended": self._ended(), "made": game.made,
        }  # fmt: skip

    async def sit(self, send: Send) -> None:
        """A viewer comes, and goes on where the one before left."""
        self._send, self._visible, self._clock_ns = send, True, None
        await self._tell_all()

    async def leave(self) -> None:
        """The viewer goes; no more frames are made."""
        self._send, self._playing, self._steps = None, False, 0
        self._game.live.let_go(time.monotonic_ns())

    async def close(self) -> None:
        """Wait for the frame that is being made, and end the thread."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def do(self, message: dict[str, Any], arrived_ns: int) -> None:
        """One command of the page; what is not understood is left alone."""
        match message:
            case {"do": "input", "now": float() | int() as now, "events": list(events)} if 0 <= now < MOST_MS:
                self._take(events[:MOST_EVENTS], float(now), arrived_ns)
            case {"do": "play"} if not self._ended():
                self._playing = True
            case {"do": "pause"}:
                self._playing = False
            case {"do": "step"} if not self._ended():
                self._playing = False
                self._steps += 1
            case {"do": "visible", "on": bool(on)}:
                self._visible = on
            case {"do": "restart"}:
                await self._begin(self._game.clip, self._game.replay)
            case {"do": "replay", "on": bool(on)}:
                await self._begin(self._game.clip, on)
            case {"do": "clip", "number": int(number)} if 0 <= number < len(self.clips):
                await self._begin(self.clips[number], self._game.replay)
            case {"do": "goal", "text": str(text)}:
                await self._aim(text.strip()[:MOST_GOAL])
            case {"do": "save"}:
                await self._save()
            case _:
                return
        self._changed.set()
        if message["do"] in ("play", "pause", "step"):
            await self._tell(self.state())

    async def run(self) -> None:
        """Make frame after frame while somebody looks and wants it; never ends by itself."""
        due = 0.0  # when the next frame is to be made
        while True:
            self._changed.clear()
            if not self._wanted():
                due = 0.0
                self._rate.pause()
                await self._changed.wait()
                continue
            now = time.monotonic()
            if self._playing and due > now:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), due - now)
                continue
            fresh = due == 0.0
            await self._next(fresh)
            every = self._player.config.codec.time / self._fps
            due = (now if fresh else due) + every
            late = max(0, int((time.monotonic() - due) / every))
            if self._playing:
                self._rate.dropped += late
            due += late * every

    def _wanted(self) -> bool:
        return self._send is not None and self._visible and (self._playing or self._steps > 0)

    def _ended(self) -> bool:
        left = self._game.left
        return left is not None and left < self._player.config.codec.time

    async def _next(self, fresh: bool) -> None:
        """Make one latent frame and send it."""
        async with self._turn:
            if not self._wanted():
                return
            self._steps = max(0, self._steps - 1)
            game, count, end_ns = self._game, self._player.config.codec.time, time.monotonic_ns()
            since = max(self._last_ns, end_ns - round(1e9 * count / self._fps)) if fresh else self._last_ns
            oldest, self._oldest = self._oldest, None
            started = time.monotonic()
            try:
                shown = await self._in_thread(lambda: game.next(spaced(since, end_ns, count)))
            except Exception as error:  # whatever it was, the page must say so
                self._playing, self._steps = False, 0
                await self._notice(f"The model failed: {_short(error)}", bad=True)
                return
            self._last_ns = end_ns
            self._rate.add(count, time.monotonic() - started, time.monotonic())
            await self._show(shown, oldest)
            if self._ended():
                self._playing, self._steps = False, 0
                await self._tell(self.state())

    async def _begin(self, clip: Clip, replay: bool) -> None:
        """Another play, from the clip's first frames; paused."""
        async with self._turn:
            goal = str(clip.row["goal"]) if self._own_goal and clip is not self._game.clip else self._game.goal
            try:
                game = await self._in_thread(lambda: Game(self._player, clip, goal, self._seed, replay))
            except (GoaltraceError, RuntimeError) as error:
                await self._notice(_short(error), bad=True)
                return
            self._game, self._playing, self._steps, self._oldest = game, False, 0, None
            self._began_ns = self._last_ns = time.monotonic_ns()
            self._rate = Rate()
            await self._tell_all()

    async def _aim(self, goal: str) -> None:
        """Another goal, from the next frame on."""
        if self._player.config.model.text == "none":
            await self._notice("This model was trained without text.", bad=True)
            return
        async with self._turn:
            try:
                await self._in_thread(lambda: self._player.require_text(goal))
            except GoaltraceError as error:
                await self._notice(_short(error), bad=True)
                return
            self._game.goal, self._own_goal = goal, False
        await self._tell(self.state())

    async def _save(self) -> None:
        game, rate, began = self._game, self._rate, self._began_ns
        film = game.film.copy()
        film.actions = deque(
            {**action, "t_ns": action["t_ns"] - (0 if game.replay else began)} for action in film.actions
        )
        about = {
            "run": str(self._run), "clip": game.clip.id, "kind": str(game.clip.row["kind"]), "goal": game.goal,
            "seed": self._seed, "given_frames": self._player.given, "made_frames": game.made,
            "dropped_ticks": rate.dropped, "actions": "recorded" if game.replay else "live",
        }  # fmt: skip
        played = self._run / "played"
        stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{re.sub(r'[^A-Za-z0-9-]', '_', game.clip.id[-12:])}"
        try:
            names = [stamp, *(f"{stamp}-{number}" for number in range(2, 1000))]
            folder = next(played / name for name in names if not (played / name).exists())
            files = await asyncio.to_thread(
                save_film, film, folder, self._player.config.data.fps, about, game.clip.session
            )
        except (GoaltraceError, OSError) as error:
            await self._notice(f"Not saved: {_short(error)}", bad=True)
            return
        await self._tell({"type": "saved", "folder": str(folder), "files": files})

    def _take(self, events: list[Any], now_ms: float, arrived_ns: int) -> None:
        """Events of the page, on this machine's clock: the message that came fastest tells how the two differ."""
        apart = arrived_ns - round(now_ms * 1e6)
        if self._clock_ns is None or apart < self._clock_ns or apart - self._clock_ns > LOST_NS:
            self._clock_ns = apart
        if self._game.replay:
            return
        for event in events:
            at = event.get("t") if isinstance(event, dict) else None
            if not isinstance(at, float | int) or not 0 <= at <= now_ms:
                continue
            # a clock that was just put back must not turn the order of what was done round
            self._heard_ns = max(self._heard_ns, min(self._clock_ns + round(at * 1e6), arrived_ns))
            action = self._game.person.action(event, self._heard_ns)
            if action is not None:
                self._game.live.add(action)
                if self._playing:
                    self._oldest = at if self._oldest is None else self._oldest

    async def _tell_all(self) -> None:
        await self._tell(self.state())
        await self._show(self._game.latest, None)

    async def _show(self, shown: Sequence[ShownFrame], oldest: float | None) -> None:
        for k, one in enumerate(shown):
            rate = self._rate.per_second()
            pictures = [one.picture] if one.recorded is None else [one.picture, one.recorded]
            header = {
                "type": "frame", "number": one.number, "given": one.given, "made": self._rate.made,
                "rate": None if rate is None else round(rate, 2), "making_ms": round(self._rate.making_ms, 1),
                "dropped": self._rate.dropped, "oldest": oldest, "after_ms": round(1000 * k / self._fps),
                "told": [text for action in one.done if (text := describe(action))],
                "moved": any(action["kind"] == "move" for action in one.done),
                "sizes": [len(picture) for picture in pictures],
            }  # fmt: skip
            await self._tell(header, pictures)

    async def _notice(self, text: str, bad: bool = False) -> None:
        print(f"goaltrace play: {text}", file=sys.stderr)
        await self._tell({"type": "notice", "text": text, "bad": bad})
        await self._tell(self.state())

    async def _tell(self, message: dict[str, Any], pictures: Sequence[bytes] = ()) -> None:
        if self._send is not None:
            await self._send(message, pictures)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
