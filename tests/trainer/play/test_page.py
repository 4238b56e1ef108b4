"""Guarantees of the page's server: for one viewer of this machine, who gets what they did, frame by frame."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from manifests.pages import serving
from tests.trainer.runs import copy, refused
from trainer.inference.loaded_run import load_run
from trainer.play.game import PlayableModel
from trainer.play.server import BUSY, ENDED, make_app
from trainer.play.table import Table

T = TypeVar("T")
TOKEN = "t" * 32
HOSTILE = ["NaN", "1e999", "1" + 400 * "0", "-1", '"x"', "null"]
MOVE = {"kind": "move", "x": 20.0, "y": 10.0}
KEY = {"kind": "key_down", "key": "q", "code": "KeyQ", "held": []}


@pytest.fixture
def played(run: Path, tmp_path: Path) -> Iterator[Path]:
    """The run in a folder of the test's own."""
    (tmp_path / "run").mkdir()
    for part in run.iterdir():
        (tmp_path / "run" / part.name).symlink_to(part)
    yield tmp_path / "run"


def talk(run: Path, visit: Callable[[ClientSession, str], Awaitable[T]], fps: float = 50.0) -> T:
    """Serve the run and let `visit` talk to the address that play prints."""
    opened = load_run(run, None, "cpu")
    player = PlayableModel(opened.model, opened.codec, opened.config, opened.store, opened.inputs)

    async def both() -> T:
        table = Table(player, opened.held_out, opened.held_out[0], None, 0, fps, run)
        app = make_app(TOKEN, table, opened.store, opened.config.data.fps)
        async with serving(app, TOKEN) as address, ClientSession() as client:
            return await visit(client, address)

    return asyncio.run(asyncio.wait_for(both(), 60))


@asynccontextmanager
async def sitting(client: ClientSession, address: str) -> Any:
    async with client.ws_connect(f"{address}play", max_msg_size=0) as page:
        yield page


async def hear(page: ClientWebSocketResponse, kind: str, **holds: Any) -> dict[str, Any]:
    """The next message of a kind in which this holds; others are passed over."""
    while True:
        message = await asyncio.wait_for(page.receive(), 20)
        assert message.type == WSMsgType.BINARY, message
        (length,) = struct.unpack_from("<I", message.data)
        said: dict[str, Any] = json.loads(message.data[4 : 4 + length])
        if said["type"] == "frame":
            assert len(message.data) == 4 + length + sum(said["sizes"]) and message.data[4 + length :][:4] == b"\x89PNG"
        if said["type"] == kind and all(said[name] == value for name, value in holds.items()):
            return said


async def do(page: ClientWebSocketResponse, command: str, **more: Any) -> None:
    await page.send_json({"do": command, **more})


def test_input_becomes_the_next_frame_and_is_saved(played: Path) -> None:
    async def visit(client: ClientSession, address: str) -> Path:
        async with sitting(client, address) as page:
            state = await hear(page, "state")
            assert not state["playing"] and (state["width"], state["height"]) == (64, 48)
            given = [await hear(page, "frame") for _ in range(state["given"])]
            assert [frame["number"] for frame in given] == [0, 1] and all(frame["given"] for frame in given)
            events = [{**MOVE, "t": 5.0}, {**KEY, "t": 6.0}, {**KEY, "t": 99.0}, "nonsense", {"kind": "move"}]
            await do(page, "input", now=10.0, events=events)
            await do(page, "step")
            frame = await hear(page, "frame")
            assert (frame["number"], frame["told"], frame["moved"], frame["given"]) == (2, ["q"], True, False)
            await do(page, "save")
            return Path((await hear(page, "saved"))["folder"])

    folder = talk(played, visit)
    assert folder.parent == played / "played"
    actions = [json.loads(line) for line in (folder / "actions.jsonl").open()]
    assert [(a["kind"], a["x"], a["y"], a["key"], a["frame"]) for a in actions] == [
        ("move", 80, 40, None, 2), ("key_down", None, None, "q", 2),
    ]  # fmt: skip
    about = json.loads((folder / "play.json").read_text())
    assert (about["made_frames"], about["given_frames"], about["frames"], about["actions"]) == (1, 2, 3, "live")
    files = {"actions.jsonl", "made_from.json", "play.json", "played.gif", "played.mp4"}
    assert {path.name for path in folder.iterdir()} == files


def test_frames_come_until_it_is_paused_and_a_restart_begins_again(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        async with sitting(client, address) as page:
            await do(page, "play")
            first = await hear(page, "frame", given=False)
            assert first["made"] == 1
            assert (await hear(page, "frame", number=first["number"] + 6))["made"] == 7
            await do(page, "pause")
            await hear(page, "state", playing=False)
            await do(page, "restart")
            assert (await hear(page, "frame", number=0))["made"] == 0
            await do(page, "clip", number=1)
            assert (await hear(page, "state", clip=1))["playing"] is False

    talk(run, visit)


def test_a_replay_shows_the_recording_beside_and_ends_with_it(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        async with sitting(client, address) as page:
            await do(page, "replay", on=True)
            await hear(page, "state", replay=True)
            assert len((await hear(page, "frame", given=True))["sizes"]) == 2
            await do(page, "input", now=1.0, events=[{**KEY, "t": 0.5}])
            await do(page, "play")
            frame = await hear(page, "frame", given=False)
            assert len(frame["sizes"]) == 2 and "q" not in frame["told"]
            assert (await hear(page, "state", ended=True))["playing"] is False

    talk(run, visit)


def test_no_frame_is_made_for_a_page_that_nobody_sees(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        async with sitting(client, address) as page:
            await do(page, "play")
            await hear(page, "frame", given=False)
            await do(page, "visible", on=False)
            await do(page, "aim nowhere")  # what is not understood is left alone
            for text in ("no JSON", "[" * 9999, "[]", *(f'{{"do":"input","now":{n},"events":[]}}' for n in HOSTILE)):
                await page.send_str(text)
            with pytest.raises(TimeoutError):
                while True:
                    await asyncio.wait_for(page.receive(), 0.7)
            await do(page, "visible", on=True)
            last = await hear(page, "frame", given=False)
        async with sitting(client, address) as page:  # gone and back: the play waits where it was
            assert (await hear(page, "state"))["playing"] is False
            assert (await hear(page, "frame"))["number"] >= last["number"]

    talk(run, visit)


def test_a_model_that_is_too_slow_drops_frames_and_says_how_many(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        async with sitting(client, address) as page:
            await do(page, "play")
            for _ in range(5):
                frame = await hear(page, "frame", given=False)
            assert frame["dropped"] > 0 and frame["rate"] < 2000

    talk(run, visit, fps=2000)


def test_one_viewer_at_a_time(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        async with sitting(client, address) as page:
            await hear(page, "state")
            async with sitting(client, address) as second:
                message = await asyncio.wait_for(second.receive(), 10)
                assert (message.type, second.close_code) == (WSMsgType.CLOSE, BUSY)
            await do(page, "step")  # the first is not disturbed
            await hear(page, "frame", given=False)
        async with sitting(client, address) as page:
            await hear(page, "state")

    talk(run, visit)


def test_the_page_is_told_when_the_command_ends(run: Path) -> None:
    closed: list[int | None] = []

    async def visit(client: ClientSession, address: str) -> asyncio.Task[None]:
        page = await client.ws_connect(f"{address}play", max_msg_size=0)
        await do(page, "play")

        async def last() -> None:
            async for _ in page:
                pass
            closed.append(page.close_code)

        reading = asyncio.create_task(last())
        await asyncio.sleep(0.2)
        return reading

    async def both() -> None:
        opened = load_run(run, None, "cpu")
        player = PlayableModel(opened.model, opened.codec, opened.config, opened.store, opened.inputs)
        table = Table(player, opened.held_out, opened.held_out[0], None, 0, 20, run)
        async with ClientSession() as client:
            async with serving(make_app(TOKEN, table, opened.store, 5), TOKEN) as address:
                reading = await visit(client, address)
            await reading

    asyncio.run(asyncio.wait_for(both(), 60))
    assert closed == [ENDED]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("model")]


def test_a_message_that_comes_faster_does_not_turn_the_order_round(played: Path) -> None:
    async def visit(client: ClientSession, address: str) -> Path:
        async with sitting(client, address) as page:
            await hear(page, "state")
            later = {**KEY, "key": "w", "code": "KeyW"}
            await do(page, "input", now=10.0, events=[{**KEY, "t": 9.0}])
            await do(page, "input", now=90.0, events=[{**later, "t": 11.0}])  # so the first was 80 ms on its way
            await do(page, "step")
            await hear(page, "frame", number=2)
            await do(page, "save")
            return Path((await hear(page, "saved"))["folder"])

    actions = [json.loads(line) for line in (talk(played, visit) / "actions.jsonl").open()]
    assert [action["key"] for action in actions] == ["q", "w"]


def test_only_the_address_that_was_printed_opens_the_page(run: Path) -> None:
    async def visit(client: ClientSession, address: str) -> None:
        root = address.removesuffix(f"{TOKEN}/")
        asked = [
            (address, {}, 200), (f"{address}page.js", {}, 200), (f"{address}thumb/0.png", {}, 200),
            (f"{address}clips", {}, 200), (f"{address}thumb/999.png", {}, 404), (f"{address}other.js", {}, 404),
            (f"{address}..%2fgame.py", {}, 404), (root, {}, 403), (f"{root}{'u' * 32}/clips", {}, 403),
            (address, {"Host": "evil.example"}, 403), (f"{address}clips", {"Origin": "http://evil.example"}, 403),
            (f"{address}play", {"Origin": "http://evil.example", "Upgrade": "websocket", "Connection": "upgrade"}, 403),
        ]  # fmt: skip
        for url, headers, status in asked:
            async with client.get(url, headers=headers) as answer:
                assert answer.status == status, url
        async with client.get(address) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    talk(run, visit)


def test_refusals_are_one_line(run: Path, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not a run" in refused(capsys, "play", tmp_path)
    assert "no such held-out clip; give 1 to" in refused(capsys, "play", run, "--clip", "nothing")
    assert "no such held-out clip" in refused(capsys, "play", run, "--clip", "99")
    assert "trained without text" in refused(capsys, "play", run, "--goal", "Open the door")
    assert "--fps" in refused(capsys, "play", run, "--fps", "0")
    assert "data set" in refused(capsys, "play", run, "--dataset", tmp_path / "none")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = refused(capsys, "play", run, "--port", taken.getsockname()[1])
    assert "cannot be used" in line and "leave --port out" in line
    broken = copy(run, tmp_path / "broken")
    settings = json.loads((broken / "config.json").read_text())
    settings["held_out"] = ["nobody"]
    (broken / "config.json").write_text(json.dumps(settings))
    assert "none of the sessions" in refused(capsys, "play", broken)
