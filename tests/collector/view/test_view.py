"""Reviewing: local only, changes nothing but what was asked, and shows hostile or broken sessions as what they are."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import pytest
from aiohttp import ClientResponse, ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from collector.view.document import document
from collector.view.export import write_page
from collector.view.html import as_json
from collector.view.read import read_session
from collector.view.remux import picture_pts, write_mp4
from collector.view.server import make_app
from goaltrace import main
from manifests.errors import GoaltraceError
from manifests.files import append_jsonl
from manifests.pages import serving, token_guard
from manifests.session import Action, Event, Frame, SessionFolder
from tests.collector.session_folders import TICK_NS, make_session

pytestmark = pytest.mark.needs("ffmpeg")
TOKEN = "a-token-of-this-test"
HOSTILE = "</script><script>window.pwned = 1</script><!--<img src=x onerror='window.pwned=1'>\u2028${alert(1)}"
Talk = Callable[[ClientSession, str], Awaitable[Any]]


@pytest.fixture
def session(tmp_path: Path) -> SessionFolder:
    return make_session(tmp_path / "session", frames=40)


def talk(sessions: list[SessionFolder], scratch: Path, conversation: Talk) -> Any:
    """What `conversation` returns, having been given a client and the address of a real server."""
    scratch.mkdir(exist_ok=True)

    async def both() -> Any:
        async with serving(make_app(TOKEN, sessions, scratch), TOKEN) as address, ClientSession() as client:
            return await conversation(client, address)

    return asyncio.run(both())


def statuses(session: SessionFolder, scratch: Path, *asked: tuple[str, dict[str, str]]) -> list[int]:
    """The status of GET for each (path from the server's root, headers)."""

    async def ask(client: ClientSession, address: str) -> list[int]:
        root = address.removesuffix(f"{TOKEN}/")
        found = []
        for path, headers in asked:
            async with client.get(root + path, headers=headers) as answer:
                found.append(answer.status)
        return found

    return talk([session], scratch, ask)


def test_nothing_is_shown_without_the_token(session: SessionFolder, tmp_path: Path) -> None:
    paths = ["", "s/0/", "wrong/s/0/", f"{TOKEN}x/s/0/", "s/0/video.mp4", f"x/../{TOKEN[:-1]}/", "favicon.ico"]
    assert set(statuses(session, tmp_path / "v", *((path, {}) for path in paths))) == {403}
    assert statuses(session, tmp_path / "v", (f"{TOKEN}/s/0/", {}), (f"{TOKEN}/s/0/video.mp4", {})) == [200, 200]


def test_another_name_or_another_sites_page_is_refused(session: SessionFolder, tmp_path: Path) -> None:
    page = f"{TOKEN}/s/0/"
    given = [
        {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:80"}, {"Host": "evil@127.0.0.1.nip.io"},
        {"Host": ""}, {"Host": "127.0.0.1:1", "Origin": "http://evil.example"}, {"Origin": "null"},
    ]  # fmt: skip
    assert statuses(session, tmp_path / "v", *((page, headers) for headers in given)) == [403] * len(given)
    assert statuses(session, tmp_path / "v", (page, {"Host": "localhost:8123"})) == [200]


def test_only_this_machine_can_connect(session: SessionFolder, tmp_path: Path) -> None:
    async def bound(client: ClientSession, address: str) -> None:
        port = int(address.split(":")[2].split("/", maxsplit=1)[0])
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port), 2):
            pass

    talk([session], tmp_path / "v", bound)


def test_a_port_in_use_is_one_line() -> None:
    async def twice(port: int) -> None:
        app = web.Application(middlewares=[token_guard(TOKEN)])
        async with serving(app, TOKEN, port):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(GoaltraceError, match=r"--port: 127\.0\.0\.1:\d+ cannot be used"):
            asyncio.run(twice(taken.getsockname()[1]))
    with pytest.raises(GoaltraceError, match="--port"):
        asyncio.run(twice(70_000))


def test_the_video_can_be_read_in_ranges(session: SessionFolder, tmp_path: Path) -> None:
    async def ranges(client: ClientSession, address: str) -> None:
        async with client.get(f"{address}s/0/video.mp4") as answer:
            whole = await answer.read()
            etag = answer.headers["ETag"]
        await post(client, address, "keep", {"keep_ns": [0, TICK_NS]})  # a trim must not take the video away
        ranged = {"Range": "bytes=100-199", "If-Range": etag}
        async with client.get(f"{address}s/0/video.mp4", headers=ranged) as answer:
            assert (answer.status, answer.content_type) == (206, "video/mp4")
            assert await answer.read() == whole[100:200]
            assert answer.headers["Cache-Control"] == "no-store"

    talk([session], tmp_path / "v", ranges)


async def post(client: ClientSession, address: str, what: str, body: Any) -> tuple[int, Any]:
    async with client.post(f"{address}s/0/{what}", json=body) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else None


def test_a_trim_is_written_into_the_session_and_nothing_else_is(session: SessionFolder, tmp_path: Path) -> None:
    before = session.read_manifest()
    files = {path.name: path.read_bytes() for path in session.path.iterdir() if path != session.manifest_path}

    async def trim(client: ClientSession, address: str) -> None:
        assert (await post(client, address, "keep", {"keep_ns": [10, 2 * TICK_NS]}))[0] == 200
        assert session.read_manifest() == before.model_copy(update={"keep_ns": (10, 2 * TICK_NS)})
        written = session.manifest_path.stat()
        assert (await post(client, address, "keep", {"keep_ns": [10, 2 * TICK_NS]}))[0] == 200
        assert session.manifest_path.stat().st_ino == written.st_ino  # the same again is not written
        assert (await post(client, address, "keep", {"keep_ns": None}))[0] == 200
        assert session.read_manifest() == before

    talk([session], tmp_path / "v", trim)
    assert {p.name: p.read_bytes() for p in session.path.iterdir() if p != session.manifest_path} == files


@pytest.mark.parametrize(
    "body", [{}, [], "x", {"keep_ns": [5]}, {"keep_ns": [5, 5]}, {"keep_ns": [-1, 5]}, {"keep_ns": ["0", "9"]}, 10**400]
)
def test_a_trim_that_makes_no_sense_is_refused(session: SessionFolder, tmp_path: Path, body: Any) -> None:
    before = session.manifest_path.read_bytes()

    async def trim(client: ClientSession, address: str) -> int:
        return (await post(client, address, "keep", body))[0]

    assert talk([session], tmp_path / "v", trim) in (400, 409)
    assert session.manifest_path.read_bytes() == before


def test_a_form_of_another_site_cannot_discard(session: SessionFolder, tmp_path: Path) -> None:
    async def forms(client: ClientSession, address: str) -> list[int]:
        answers: list[ClientResponse] = [
            await client.post(f"{address}s/0/discard", data={"a": "b"}),
            await client.post(f"{address}s/0/discard", data="{}", headers={"Content-Type": "text/plain"}),
            await client.post(f"{address}s/0/discard", json={}, headers={"Origin": "http://evil.example"}),
            await client.get(f"{address}s/0/discard"),
        ]
        return [answer.status for answer in answers]

    assert talk([session], tmp_path / "v", forms) == [415, 415, 403, 405]
    assert session.read_manifest()


def test_discard_removes_the_folder_and_only_it(tmp_path: Path) -> None:
    first, second = (make_session(tmp_path / "all" / name, frames=20) for name in ("a", "b"))

    async def discard(client: ClientSession, address: str) -> str:
        status, said = await post(client, address, "discard", {})
        assert (status, said["next"], said["list"]) == (200, "../1/", "../../")
        assert (await post(client, address, "discard", {}))[0] == 409
        async with client.get(f"{address}s/0/") as answer:
            assert "discarded" in await answer.text()
        async with client.get(address) as answer:
            return await answer.text()

    page = talk([first, second], tmp_path / "v", discard)
    assert not first.path.exists()
    assert second.read_manifest()
    assert "discarded" in page
    assert 's/1/"' in page


def test_a_session_that_is_being_recorded_is_left_alone(tmp_path: Path) -> None:
    live = make_session(tmp_path / "live", frames=20, state="recording")

    async def change(client: ClientSession, address: str) -> list[tuple[int, Any]]:
        return [
            await post(client, address, "discard", {}),
            await post(client, address, "keep", {"keep_ns": [0, TICK_NS]}),
        ]

    for status, said in talk([live], tmp_path / "v", change):
        assert (status, said["problem"]) == (409, "this session is being recorded; stop it first")
    assert live.read_manifest().keep_ns is None


class Page(HTMLParser):
    """The tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def document(self) -> Any:
        return json.loads(next(text for text in self.texts if text.startswith('{"name"')))


def hostile_session(path: Path) -> SessionFolder:
    folder = make_session(path, frames=20, goal=HOSTILE, outcome_detail=HOSTILE, invalid_reasons=[HOSTILE])
    append_jsonl(folder.actions_path, [Action(seq=9, t_ns=TICK_NS, kind="key", key=HOSTILE, char=HOSTILE)])
    append_jsonl(folder.events_path, [Event(t_ns=5, kind="hide", reason=HOSTILE)])
    return folder


def test_text_of_a_session_stays_text(tmp_path: Path) -> None:
    hostile, plain = hostile_session(tmp_path / "all" / "hostile"), make_session(tmp_path / "all" / "plain", frames=20)

    async def pages(client: ClientSession, address: str) -> list[str]:
        return [await (await client.get(address + path)).text() for path in ("", "s/0/", "s/1/")]

    listed, bad, good = talk([hostile, plain], tmp_path / "v", pages)
    assert [tag for tag, _ in Page(bad).tags] == [tag for tag, _ in Page(good).tags]
    assert Page(bad).document["goal"] == HOSTILE
    assert not {"script", "img"} & {tag for tag, _ in Page(listed).tags}
    for page in (bad, good):
        script = next(a for t, a in Page(page).tags if t == "meta" and "http-equiv" in a)["content"] or ""
        assert "default-src 'none'" in script
        assert "unsafe" not in script


@given(st.text())
def test_no_text_can_leave_the_data(text: str) -> None:
    embedded = as_json({"goal": text})
    assert "<" not in embedded
    assert not re.search("[\u2028\u2029]", embedded)
    assert json.loads(embedded) == {"goal": text}


def test_the_page_of_one_file_needs_nothing_else(session: SessionFolder, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert main(["view", str(session.path), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text)
    page = Page(text)
    assert not [attrs for _, attrs in page.tags if {"src", "srcset", "data", "action"} & attrs.keys()]
    assert {attrs["href"] for _, attrs in page.tags if "href" in attrs} == {"data:,"}
    assert page.document["editable"] is False
    assert main(["view", str(session.path), "--out", str(out)]) == 2  # never over another file
    assert out.read_text(encoding="utf-8") == text


def test_one_file_holds_one_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        make_session(tmp_path / "all" / name, frames=20)
    assert main(["view", str(tmp_path / "all"), "--out", str(tmp_path / "page.html")]) == 2
    assert "there are 2; name one of them" in capsys.readouterr().err
    assert main(["view", str(tmp_path / "nowhere")]) == 2


def test_every_picture_is_shown_from_the_time_of_its_first_frame(session: SessionFolder, tmp_path: Path) -> None:
    shared = [frame.model_copy(update={"picture": frame.index // 2}) for frame in session.frames()]
    session.frames_path.unlink()
    append_jsonl(session.frames_path, shared)
    read = read_session(session)
    t1 = [frame.t1_ns for frame in read.frames]
    pts = picture_pts(read.pictures, t1)
    assert write_mp4(session.screen, tmp_path / "v.mp4", pts) == 20
    with av.open(str(tmp_path / "v.mp4")) as video:
        shown = [round(float(frame.time) * 1e9) for frame in video.decode(video=0)]
    assert shown == pytest.approx([t - t1[0] for t in t1[::2]], abs=12_000)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**9)), min_size=1, max_size=40))
def test_time_stamps_always_rise(steps: list[tuple[int, int]]) -> None:
    pictures, times, picture, t = [], [], 0, 0
    for more, later in steps:
        picture, t = picture + more, t + later
        pictures.append(picture)
        times.append(t)
    pts = picture_pts(pictures, times)
    assert len(pts) == pictures[-1] + 2
    assert all(a < b for a, b in zip(pts, pts[1:], strict=False))


def broken(folder: SessionFolder, how: str) -> None:
    match how:
        case "half a video":
            folder.screen.write_bytes(folder.screen.read_bytes()[: folder.screen.stat().st_size // 2])
        case "no video":
            folder.screen.unlink()
        case "not a video":
            folder.screen.write_bytes(b"\0" * 5000)
        case "no frames":
            folder.frames_path.unlink()
        case "nothing but the manifest":
            for path in (folder.screen, folder.frames_path, folder.actions_path, folder.intents_path):
                path.unlink()
        case "half a line":
            with folder.frames_path.open("a", encoding="utf-8") as out:
                out.write('{"index": 40, "t0_ns"')
        case "a bad line":
            with folder.actions_path.open("a", encoding="utf-8") as out:
                out.write("\x00\xff not json\n")
        case "frames that run back":
            append_jsonl(folder.frames_path, [Frame(index=41, t0_ns=5, t1_ns=6), Frame(index=10**15, t0_ns=0, t1_ns=0)])
        case "a broken manifest":
            folder.manifest_path.write_text("{")
        case "not ended":
            folder.write_manifest(folder.read_manifest().model_copy(update={"state": "recording"}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("half a video", "screen.mkv ends early"),
        ("no video", "screen.mkv is missing"),
        ("not a video", "screen.mkv: not a readable video"),
        ("no frames", "frames.jsonl is missing"),
        ("nothing but the manifest", "frames.jsonl is missing"),
        ("half a line", "frames.jsonl: 1 line cannot be read (line 41)"),
        ("a bad line", "actions.jsonl: 1 line cannot be read"),
        ("frames that run back", "2 frames are out of order"),
        ("a broken manifest", "not valid JSON"),
        ("not ended", "the recording has not ended"),
    ],
)
def test_a_broken_session_shows_what_can_be_read_and_what_cannot(
    session: SessionFolder, tmp_path: Path, how: str, said: str
) -> None:
    broken(session, how)
    problems = write_page(session, tmp_path / "page.html")
    assert [problem for problem in problems if said in problem], problems
    shown = Page((tmp_path / "page.html").read_text(encoding="utf-8")).document
    assert shown["problems"] == problems
    if how not in ("no frames", "nothing but the manifest"):
        assert len(shown["frames"]["t1"]) == 40
    if how == "no frames":
        assert len(shown["frames"]["t1"]) == 40  # as the video tells them
        assert any("not exact" in problem for problem in problems)


def test_what_was_hidden_lasts_until_its_last_reason_has_gone(session: SessionFolder) -> None:
    kinds = [(1, "hide", "page"), (2, "hide", "password field"), (3, "show", "page"), (4, "show", "password field"),
             (5, "pause", "hotkey"), (7, "resume", "page"), (8, "hide", "page")]  # fmt: skip
    append_jsonl(session.events_path, (Event(t_ns=t, kind=kind, reason=why) for t, kind, why in kinds))  # type: ignore[arg-type]
    shown = document(read_session(session))
    spans = [(span["kind"], span["t"], span["end"]) for span in shown["spans"]]
    assert spans == [("pause", 5, 7), ("hide", 1, 4), ("hide", 8, shown["end"])]
