"""The page's server: the page itself, one connection for its state and commands, and one for the screen (VNC)."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import closing
from importlib import resources

from aiohttp import WSCloseCode, WSMsgType, web

from collector.containers.program import Program
from collector.human.visit import Visit
from manifests.pages import token_guard

HEARTBEAT_S = 10
"""A page that does not answer for about this long is gone."""
ELSEWHERE = 4001
"""Close code: the page was opened again, in another tab."""
_NAMES = ("index.html", "page.css", "page.js", "screen.js")
_FILES = {name: resources.files("collector.human") / "page" / name for name in _NAMES}


def make_app(token: str, visit: Visit) -> web.Application:
    """The application under /<token>/."""
    page = Page(visit)
    app = web.Application(middlewares=[token_guard(token)])
    app.router.add_get(f"/{token}/", page.index)
    app.router.add_get(f"/{token}/control", page.control)
    app.router.add_get(f"/{token}/screen", page.screen)
    app.router.add_get(f"/{token}/novnc/{{path:.+}}", page.novnc)
    app.router.add_get(f"/{token}/{{name}}", page.file)
    app.on_shutdown.append(page.close)
    return app


class Page:
    """The handlers. One page at a time is in control: the one that was opened last."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._control: web.WebSocketResponse | None = None
        self._screens: set[web.WebSocketResponse] = set()
        self._goodbyes: set[asyncio.Task[bool]] = set()

    async def index(self, request: web.Request) -> web.Response:
        answer = _answer("index.html", _FILES["index.html"].read_bytes())
        # noVNC draws pictures and pointers from data: addresses; nothing is fetched from anywhere else
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'self'; connect-src 'self' ws://{request.host}; img-src 'self' data:; "
            "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        )
        return answer

    async def file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _FILES:
            raise web.HTTPNotFound
        return _answer(name, _FILES[name].read_bytes())

    async def novnc(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if path not in self._visit.novnc:
            raise web.HTTPNotFound
        return _answer(path, self._visit.novnc[path])

    async def control(self, request: web.Request) -> web.WebSocketResponse:
        """Sends the state whenever it changes; takes {"do": command}."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=4096)
        await socket.prepare(request)
        before, self._control = self._control, socket
        if before is not None:
            self._visit.page_left()
            goodbye = asyncio.create_task(before.close(code=ELSEWHERE, message=b"opened elsewhere"))
            self._goodbyes.add(goodbye)
            goodbye.add_done_callback(self._goodbyes.discard)
        self._visit.page_came()
        sending = asyncio.create_task(self._send_news(socket))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT and self._control is socket:
                    self._visit.do(_command(message.data))
        finally:
            sending.cancel()
            if self._control is socket:
                self._control = None
                self._visit.page_left()
        return socket

    async def screen(self, request: web.Request) -> web.WebSocketResponse:
        """VNC, as it comes: the browser's bytes to the desktop and back."""
        desktop = self._visit.desktop
        if desktop is None:
            raise web.HTTPConflict(text="there is no desktop now\n")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, compress=False, max_msg_size=2**20)
        await socket.prepare(request)
        self._screens.add(socket)
        try:
            with closing(await asyncio.to_thread(desktop.tunnel)) as tunnel:
                arguments = (tunnel, socket, asyncio.get_running_loop())
                threading.Thread(target=_forward, args=arguments, daemon=True, name="screen").start()
                async for message in socket:
                    if message.type == WSMsgType.BINARY:
                        await asyncio.to_thread(tunnel.write, message.data)
        except OSError:
            pass  # the desktop went first; Docker's own errors are OSErrors too
        finally:
            self._screens.discard(socket)
        return socket

    async def close(self, app: web.Application) -> None:
        """Send the page how the visit ended before the server goes."""
        if self._control is not None:
            await self._control.send_json(self._visit.state())
            await self._control.close(code=WSCloseCode.OK)
        for socket in list(self._screens):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _send_news(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            self._visit.news.clear()
            await socket.send_json(self._visit.state())
            await self._visit.news.wait()


def _forward(tunnel: Program, socket: web.WebSocketResponse, loop: asyncio.AbstractEventLoop) -> None:
    """From the desktop to the browser, no faster than the browser takes it."""
    try:
        for data in _stdout(tunnel):
            asyncio.run_coroutine_threadsafe(socket.send_bytes(data), loop).result()
        asyncio.run_coroutine_threadsafe(socket.close(), loop).result()
    except (OSError, RuntimeError):
        pass  # the browser, or the loop, went first


def _stdout(tunnel: Program) -> Iterator[bytes]:
    return (data for pipe, data in tunnel.output() if pipe == "stdout")


def _command(text: str) -> str:
    try:
        return str(json.loads(text)["do"])
    except (ValueError, KeyError, TypeError):
        return ""


def _answer(name: str, body: bytes) -> web.Response:
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0] or "text/plain"
    return web.Response(body=body, content_type=kind, charset="utf-8" if kind.startswith("text/") else None)
