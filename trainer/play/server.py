"""The page's server: the page itself, thumbnails of the clips, and one connection for input and frames."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from importlib import resources
from typing import Any

from aiohttp import WSMsgType, web

from manifests.errors import GoaltraceError
from manifests.pages import token_guard
from trainer.data.clip import Clip
from trainer.data.store import ClipStore
from trainer.data.stretch import ClipStretch
from trainer.play.film import png
from trainer.play.table import Table

HEARTBEAT_S = 10
"""A page that does not answer for about this long is gone."""
BUSY = 4002
"""Close code: somebody else is playing."""
ENDED = 4003
"""Close code: the command in the terminal has ended."""
RELOAD_S = 1.5
"""A page that is loaded again comes before the old one has gone."""
MOST_MESSAGE = 256 * 1024
_TYPES = {
    "index.html": "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "hands.js": "text/javascript",
}
_FILES = {name: resources.files("trainer.play") / "page" / name for name in _TYPES}


def make_app(token: str, table: Table, store: ClipStore, fps: float) -> web.Application:
    """The application under /<token>/; it runs the table while it is served."""
    page = PlayPage(table, store, fps)
    app = web.Application(middlewares=[token_guard(token)])
    app.router.add_get(f"/{token}/", page.index)
    app.router.add_get(f"/{token}/clips", page.clips)
    app.router.add_get(f"/{token}/thumb/{{number:[0-9]{{1,6}}}}.png", page.thumb)
    app.router.add_get(f"/{token}/play", page.play)
    app.router.add_get(f"/{token}/{{name}}", page.file)
    app.cleanup_ctx.append(page.running)
    app.on_shutdown.append(page.close)
    return app


class PlayPage:
    """The handlers."""

    def __init__(self, table: Table, store: ClipStore, fps: float) -> None:
        self._table, self._store, self._fps = table, store, fps
        self._sockets: set[web.WebSocketResponse] = set()
        self._thumbs: dict[int, bytes] = {}
        self._decoding = asyncio.Lock()

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """Frames are made while the application runs."""
        playing = asyncio.create_task(self._table.run())
        yield
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
        await self._table.close()

    async def close(self, app: web.Application) -> None:
        """Tell the page that this is the end."""
        for socket in list(self._sockets):
            await socket.close(code=ENDED, message=b"goaltrace play has ended")

    async def index(self, request: web.Request) -> web.Response:
        answer = _answer("index.html")
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            f"connect-src 'self' ws://{request.host}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        return answer

    async def file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _TYPES:
            raise web.HTTPNotFound
        return _answer(name)

    async def clips(self, request: web.Request) -> web.Response:
        """The clips that can be played, in the order of their numbers."""
        rows = [
            {"id": clip.id, "kind": str(clip.row["kind"]), "goal": str(clip.row["goal"]),
             "seconds": round(len(clip.frames) / self._fps, 1)}
            for clip in self._table.clips
        ]  # fmt: skip
        return web.json_response(rows)

    async def thumb(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if number >= len(self._table.clips):
            raise web.HTTPNotFound
        async with self._decoding:  # one at a time: the model needs the cores
            if number not in self._thumbs:
                clip = self._table.clips[number]
                try:
                    self._thumbs[number] = await asyncio.to_thread(_thumb, self._store, clip, self._fps)
                except GoaltraceError:
                    raise web.HTTPNotFound from None
        return web.Response(body=self._thumbs[number], content_type="image/png")

    async def play(self, request: web.Request) -> web.WebSocketResponse:
        """Takes commands and input, sends frames; one viewer at a time."""
        socket = web.WebSocketResponse(timeout=2, heartbeat=HEARTBEAT_S, compress=False, max_msg_size=MOST_MESSAGE)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            if not await self._seat():
                await socket.close(code=BUSY, message=b"somebody is playing")
                return socket
            await self._talk(socket)
        finally:
            self._sockets.discard(socket)
        return socket

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        async def send(message: dict[str, Any], pictures: Sequence[bytes]) -> None:
            with suppress(ConnectionError):  # the page went; its connection ends below
                await socket.send_bytes(packed(message, pictures))

        try:
            await self._table.sit(send)
            async for frame in socket:
                message = _message(frame.data) if frame.type == WSMsgType.TEXT else None
                if message is not None:
                    await self._table.do(message, time.monotonic_ns())
        finally:
            await self._table.leave()

    async def _seat(self) -> bool:
        """Is there room, or will there be in a moment?"""
        until = time.monotonic() + RELOAD_S
        while self._table.taken:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(0.02)
        return True


def packed(message: dict[str, Any], pictures: Sequence[bytes]) -> bytes:
    """One binary message: the length of the JSON (uint32, little-endian), the JSON, the pictures."""
    head = json.dumps(message).encode()
    return b"".join([struct.pack("<I", len(head)), head, *pictures])


def _message(text: str) -> dict[str, Any] | None:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _thumb(store: ClipStore, clip: Clip, fps: float) -> bytes:
    """A frame from the middle of a clip, small."""
    stretch = ClipStretch.of([clip], fps)
    frame = store.pictures(stretch, [len(stretch) // 2])[0]
    step = max(1, frame.shape[1] // 256)
    return png(frame[::step, ::step].copy())


def _answer(name: str) -> web.Response:
    return web.Response(body=_FILES[name].read_bytes(), content_type=_TYPES[name], charset="utf-8")
