"""The pages of `goaltrace view`: a list of sessions, and for each its page, its video and what a review may change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from collector.view.document import document
from collector.view.html import list_page, session_page
from collector.view.read import Session, read_session
from collector.view.review import discard, set_kept
from collector.view.video import make_video
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.pages import token_guard
from manifests.session import SessionFolder

VIDEOS_KEPT = 4
HTML = "text/html"
Post = Callable[[SessionFolder, Any], None]


@dataclass
class _Opened:
    """What was made of a session's files when they were last looked at."""

    stamp: tuple[object, ...]
    session: Session
    video: Path | None


class Viewer:
    """The sessions behind the pages; `scratch` holds their videos as MP4 while the server runs."""

    def __init__(self, sessions: list[SessionFolder], scratch: Path) -> None:
        self.sessions = sessions
        self._scratch = scratch
        self._opened: dict[int, _Opened] = {}  # the most recent last
        self._made = 0
        self._lock = asyncio.Lock()

    async def open(self, number: int) -> _Opened:
        """Session `number`, read again only if its files changed."""
        async with self._lock:
            stamp = _stamp(self.sessions[number])
            opened = self._opened.pop(number, None)
            if opened is None or opened.stamp != stamp:
                if opened is not None and opened.video is not None:
                    opened.video.unlink(missing_ok=True)
                self._made += 1
                video = self._scratch / f"{self._made}.mp4"
                opened = await asyncio.to_thread(_open, self.sessions[number], stamp, video)
            self._opened[number] = opened
            while len(self._opened) > VIDEOS_KEPT:
                old = self._opened.pop(next(iter(self._opened)))
                if old.video is not None:
                    old.video.unlink(missing_ok=True)
            return opened

    def neighbours(self, number: int) -> dict[str, str | None]:
        """Relative links from a session's page; a discarded session is passed over."""
        left = [n for n, session in enumerate(self.sessions) if session.manifest_path.is_file()]
        before = [n for n in left if n < number]
        after = [n for n in left if n > number]
        return {
            "previous": f"../{before[-1]}/" if before else None,
            "next": f"../{after[0]}/" if after else None,
            "list": "../../" if len(self.sessions) > 1 else None,
        }


def make_app(token: str, sessions: list[SessionFolder], scratch: Path) -> web.Application:
    """The web application; every address lies under /<token>/."""
    viewer = Viewer(sessions, scratch)
    app = web.Application(middlewares=[token_guard(token)], client_max_size=4096)

    async def front(request: web.Request) -> web.StreamResponse:
        if len(sessions) == 1:
            raise web.HTTPFound(f"/{token}/s/0/")
        rows = await asyncio.to_thread(lambda: [list_row(n, folder) for n, folder in enumerate(sessions)])
        return _html(list_page(f"{len(sessions)} sessions", rows))

    async def page(request: web.Request) -> web.StreamResponse:
        number = _number(request, sessions)
        if not sessions[number].manifest_path.is_file():
            return _html(list_page("discarded", [list_row(number, sessions[number])]))
        opened = await viewer.open(number)
        return _html(await asyncio.to_thread(_session_html, opened, viewer.neighbours(number)))

    async def video(request: web.Request) -> web.StreamResponse:
        opened = await viewer.open(_number(request, sessions))
        if opened.video is None:
            raise web.HTTPNotFound
        return web.FileResponse(opened.video, headers={"Content-Type": "video/mp4"})

    def post(change: Post) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            number = _number(request, sessions)
            try:
                change(sessions[number], await _body(request))
            except GoaltraceError as error:
                return web.json_response({"problem": str(error)}, status=409)
            return web.json_response({"ok": True, **viewer.neighbours(number)})

        return handler

    app.router.add_get(f"/{token}/", front)
    app.router.add_get(f"/{token}/s/{{number}}/", page)
    app.router.add_get(f"/{token}/s/{{number}}/video.mp4", video)
    app.router.add_post(f"/{token}/s/{{number}}/keep", post(_keep))
    app.router.add_post(f"/{token}/s/{{number}}/discard", post(lambda folder, _: discard(folder)))
    return app


def list_row(number: int, folder: SessionFolder) -> dict[str, Any]:
    """One line of the list."""
    name = folder.path.name
    if not folder.manifest_path.is_file():
        return {"gone": True, "name": name}
    row: dict[str, Any] = {"name": name, "link": f"s/{number}/", "goal": "", "actor": "", "duration": "", "keep": ""}
    try:
        with one_item(folder.path):
            manifest = folder.read_manifest()
    except GoaltraceError as error:
        return {**row, "outcome": "unreadable", "problems": str(error)}
    problems = list(manifest.invalid_reasons)
    if manifest.state == "recording":
        problems.insert(0, "not ended")
    kept = manifest.keep_ns
    return {
        **row,
        "goal": manifest.goal,
        "outcome": manifest.outcome,
        "actor": manifest.actor,
        "duration": f"{manifest.duration_ns / 1e9:.1f} s",
        "problems": "; ".join(problems),
        "keep": f"{kept[0] / 1e9:.1f} to {kept[1] / 1e9:.1f} s" if kept else "all",
    }


def _session_html(opened: _Opened, links: dict[str, str | None]) -> str:
    source = "video.mp4" if opened.video else None
    session = opened.session
    if session.manifest is not None:  # a trim changed it since the rest was read
        session = replace(session, manifest=session.folder.read_manifest())
    return session_page({**document(session), "source": source, "editable": True, "links": links})


def _open(folder: SessionFolder, stamp: tuple[object, ...], video: Path) -> _Opened:
    session = read_session(folder)
    return _Opened(stamp, session, video if make_video(session, video) else None)


def _keep(folder: SessionFolder, body: Any) -> None:
    match body:
        case {"keep_ns": None}:
            set_kept(folder, None)
        case {"keep_ns": [int(start), int(end)]}:
            set_kept(folder, (start, end))
        case _:
            raise GoaltraceError("keep_ns: a pair of times in ns, or null")


async def _body(request: web.Request) -> Any:
    # a form of another site cannot send this type unasked
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return json.loads(await request.text())
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None


def _number(request: web.Request, sessions: list[SessionFolder]) -> int:
    text = request.match_info["number"]
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(sessions)):
        raise web.HTTPNotFound
    return int(text)


def _stamp(folder: SessionFolder) -> tuple[object, ...]:
    """Changes when the session must be read again. A trim changes nothing here: the browser keeps its video."""
    stamp: list[object] = [_state(folder)]
    for path in (folder.screen, folder.frames_path, folder.actions_path, folder.intents_path, folder.events_path):
        try:
            status = path.stat()
            stamp += [status.st_mtime_ns, status.st_size]
        except OSError:
            stamp += [0, 0]
    return tuple(stamp)


def _state(folder: SessionFolder) -> str:
    try:
        return folder.read_manifest().state
    except GoaltraceError as error:
        return str(error)


def _html(text: str) -> web.Response:
    response = web.Response(text=text, content_type=HTML)
    response.enable_compression()
    return response
