"""Pages for this machine's user alone: bound to 127.0.0.1, behind an address that nobody can guess.

Every path begins with a random token, so relative links carry it along; a cookie would be sent to any other server on
127.0.0.1. The Host check refuses a foreign name that was made to resolve to 127.0.0.1 (DNS rebinding), the Origin check
refuses what another site's page asks for. Needs aiohttp (extras `collect`, `train`) when a page is served.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from manifests.errors import GoaltraceError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Middleware

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def new_token() -> str:
    """The first part of every path of one server."""
    return secrets.token_urlsafe(24)


def token_guard(token: str) -> Middleware:
    """Let through only requests for /<token>/..., made to this machine by name or number, not from another site."""
    from aiohttp import web

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.path.split("/")[1] if request.path.startswith("/") else ""
        if not (_is_local(request) and hmac.compare_digest(given.encode(), token.encode())):
            raise web.HTTPForbidden(text="403: this page needs the address that goaltrace printed\n")
        response = await handler(request)
        if not response.prepared:  # a web socket is
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    return guard


def _is_local(request: web.Request) -> bool:
    host = request.headers.get("Host", "")
    if urlsplit(f"//{host}").hostname not in HOSTS:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{host}"


@asynccontextmanager
async def serving(app: web.Application, token: str, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` while inside; yields its address. Port 0: any free one."""
    from aiohttp import web

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise GoaltraceError(f"--port: 127.0.0.1:{port} cannot be used ({why}); leave --port out") from None
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{token}/"
    finally:
        await runner.cleanup()


def serve(app: web.Application, token: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve `app` until Ctrl-C, a terminal that closes or a polite kill; `ready` is given the address."""

    async def until_told() -> None:
        told = asyncio.Event()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with suppress(AttributeError, NotImplementedError):  # Windows has Ctrl-C alone, as KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), told.set)
        async with serving(app, token, port) as address:
            ready(address)
            await told.wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(until_told())
