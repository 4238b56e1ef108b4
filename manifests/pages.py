"""Pages for this machine's user alone: bound to 127.0.0.1, behind an address that nobody can guess.

Every path begins with a random token, so relative links carry it along; a cookie would be sent to any other server on
127.0.0.1. The Host check refuses a foreign name that was made to resolve to 127.0.0.1 (DNS rebinding), the Origin check
refuses what another site's page asks for. The address is printed, and a browser is led to it by a file that only this
user can read (`opened`): everybody on the machine can read the command lines of every program. Needs aiohttp (extras
`collect`, `train`) when a page is served.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import os
import secrets
import signal
import tempfile
import threading
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
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


@contextmanager
def opened(address: str) -> Iterator[None]:
    """Open a browser at `address`, without that address on any command line and without waiting for the browser.

    It is opened on a file in a folder of this user alone, which redirects to the address and is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="goaltrace-open-", dir=_readable_for_browsers()) as folder:
        page = Path(folder) / "open.html"
        target = html.escape(address)
        text = (
            f'<!doctype html>\n<meta charset="utf-8">\n<meta name="referrer" content="no-referrer">\n'
            f'<meta http-equiv="refresh" content="0; url={target}">\n<title>GoalTrace</title>\n'
            f'<a href="{target}">to the page</a>\n'
        )
        with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        threading.Thread(target=webbrowser.open, args=(page.as_uri(),), name="browser", daemon=True).start()
        yield


def _readable_for_browsers() -> Path | None:
    """A folder that a browser installed as a snap can read, since it has a /tmp of its own; None: the usual one."""
    places = (Path.home() / "snap" / name / "common" for name in ("firefox", "chromium"))
    return next((place for place in places if place.is_dir() and os.access(place, os.W_OK)), None)


def serve(
    app: web.Application, token: str, port: int, ready: Callable[[str], None], open_browser: bool = False
) -> None:
    """Serve `app` until SIGINT (Ctrl-C), SIGTERM or SIGHUP; `ready` is called with the address."""

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            with suppress(AttributeError, NotImplementedError):  # Windows has Ctrl-C alone, as KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop.set)
        async with serving(app, token, port) as address:
            ready(address)
            with opened(address) if open_browser else nullcontext():
                await stop.wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(until_stopped())
