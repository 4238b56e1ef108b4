"""The page that records a person, up to the point where a container is needed: who gets in, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collector.campaign import EpisodeResult
from collector.episodes.spec import EpisodeSpec
from collector.human import consent
from collector.human.in_browser import BrowserOptions, _specs, record_in_browser
from collector.human.in_threads import entered_in_threads
from collector.human.server import make_app
from collector.human.visit import Visit
from goaltrace import main
from manifests.errors import GoaltraceError
from manifests.pages import new_token, serving
from manifests.task import find_task
from tests.waiting import PATIENCE_S


class Untouched:
    """An environment that nobody may ask for anything: before consent there is nothing to run."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the environment was asked for {name} before consent")


def spec_of(task: str = "desktop-editor-note") -> EpisodeSpec:
    instance = find_task(task).instantiate(0)
    return EpisodeSpec.of(instance, session_id="s", agent="human", fps=15, environment="docker")


@contextlib.asynccontextmanager
async def page_of(out: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession, list[EpisodeResult]]]:
    """A running page without any container behind it: address, client, the sessions that ended."""
    ended: list[EpisodeResult] = []
    visit = Visit(Untouched(), [spec_of()], out, "p-test", done=ended.append)  # type: ignore[arg-type]
    running = asyncio.create_task(visit.run())
    token = new_token()
    async with serving(make_app(token, visit), token) as address, aiohttp.ClientSession() as client:
        yield address, client, ended
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def test_only_the_printed_address_opens_the_page(tmp_path: Path) -> None:
    async def check() -> None:
        async with page_of(tmp_path) as (address, client, _):
            assert (await client.get(address)).status == 200
            assert (await client.get(address + "page.js")).content_type == "text/javascript"
            root = address.rsplit("/", 2)[0]
            for path in ("/", "/wrong/", "/wrong/control", "/wrong/screen", "/wrong/novnc/core/rfb.js"):
                assert (await client.get(root + path)).status == 403, path
            assert (await client.get(address, headers={"Host": "evil.example"})).status == 403
            assert (await client.get(address + "server.py")).status == 404
            assert (await client.get(address + "novnc/../page.js/x")).status == 404

    asyncio.run(check())


@pytest.mark.parametrize("path", ["control", "screen"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_web_socket_from_another_origin_is_refused(tmp_path: Path, path: str, origin: str) -> None:
    async def check() -> None:
        async with page_of(tmp_path) as (address, client, _):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(address + path, headers={"Origin": origin})
            assert refused.value.status == 403

    asyncio.run(check())


def test_nothing_runs_and_no_folder_is_made_before_consent(tmp_path: Path) -> None:
    out = tmp_path / "sessions"

    async def check() -> None:
        async with page_of(out) as (address, client, ended):
            control = await client.ws_connect(address + "control")
            state = await control.receive_json()
            assert state["phase"] == "consent"
            assert state["consent"] == {"id": "p-test", "version": consent.TEXT_VERSION, "text": consent.TEXT}
            assert state["screen"]["password"] is None
            for command in ("start", "done", "next", "stop", "pause", "", "x" * 2000):
                await control.send_json({"do": command})
            for nonsense in ("", "[", "[]", '"do"', '{"do": []}', "{}"):
                await control.send_str(nonsense)
            await control.close()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(address + "screen")
            assert refused.value.status == 409, "there is no desktop to look at"
            again = await client.ws_connect(address + "control")
            assert (await again.receive_json())["phase"] == "consent"
            assert ended == []

    asyncio.run(check())
    assert not out.exists()


def test_the_page_opened_last_has_the_say(tmp_path: Path) -> None:
    async def check() -> None:
        async with page_of(tmp_path) as (address, client, _):
            first = await client.ws_connect(address + "control")
            await first.receive_json()
            second = await client.ws_connect(address + "control")
            assert (await second.receive_json())["phase"] == "consent"
            assert (await first.receive()).type == aiohttp.WSMsgType.CLOSE
            assert first.close_code == 4001

    asyncio.run(check())


def test_two_people_who_do_one_task_keep_a_session_each(tmp_path: Path) -> None:
    options = BrowserOptions(out=tmp_path)
    specs = [_specs("desktop-editor-note", person, options)[0] for person in ("p-one", "p-two")]
    assert [spec.episode_id.removeprefix("desktop-editor-note-human-0000-") for spec in specs] == ["p-one", "p-two"]
    assert [spec.consent_id for spec in specs] == ["p-one", "p-two"]


@pytest.mark.parametrize(("given", "expected"), [({}, 600), ({"max_duration_s": 45.0}, 45)])
def test_a_person_has_more_time_than_a_script_unless_they_are_given_another(
    tmp_path: Path, given: dict[str, float], expected: float
) -> None:
    (spec,) = _specs("desktop-editor-note", "p-one", BrowserOptions(out=tmp_path, **given))
    assert spec.max_duration_s == expected


@pytest.mark.parametrize(
    ("task", "consent_id", "complaint"),
    [
        ("terminal-find-largest-file", None, "people record desktop tasks"),
        ("desktop-editor-note", "Jo Doe", "--consent-id Jo Doe"),
        ("desktop-editor-note", "", "--consent-id"),
    ],
)
def test_what_cannot_be_recorded_is_one_line(tmp_path: Path, task: str, consent_id: str | None, complaint: str) -> None:
    with pytest.raises(GoaltraceError, match=complaint) as caught:
        record_in_browser(task, BrowserOptions(out=tmp_path, consent_id=consent_id), on_page=print)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", [["--workers", "2"], ["--env", "local"]])
def test_options_that_are_not_for_people_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    assert main(["record", "desktop-editor-note", "--agent", "human", "--out", str(tmp_path), *option]) == 2
    said = capsys.readouterr().err
    assert option[0] in said and said.count("\n") == 1


def test_a_cancelled_entry_is_left_again() -> None:
    """Ctrl-C while a container starts must not leave the container behind."""
    steps = []
    entering, go_on = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def slow() -> Iterator[None]:
        entering.set()
        go_on.wait(PATIENCE_S)
        steps.append("entered")
        yield
        steps.append("left")

    async def enter() -> None:
        async with entered_in_threads(slow()):
            steps.append("used")

    async def check() -> None:
        task = asyncio.create_task(enter())
        await asyncio.to_thread(entering.wait, 10)
        task.cancel()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(check())
    assert steps == ["entered", "left"]


def test_the_tunnel_carries_every_byte_both_ways_and_ends_with_its_input(tmp_path: Path) -> None:
    every_byte = bytes(range(256)) * 4096  # 1 MiB: more than any pipe holds
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "vnc.sock"))
        server.listen()
        tunnel = subprocess.Popen(
            [sys.executable, "-m", "collector.human.tunnel", str(tmp_path / "vnc.sock")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert tunnel.stdin is not None and tunnel.stdout is not None
        connection, _ = server.accept()
        with connection:
            sender = threading.Thread(target=connection.sendall, args=(every_byte,))
            sender.start()
            assert tunnel.stdout.read(len(every_byte)) == every_byte
            sender.join()
            writer = threading.Thread(target=lambda: (tunnel.stdin.write(every_byte), tunnel.stdin.close()))  # type: ignore[union-attr]
            writer.start()
            received = b""
            while data := connection.recv(1 << 16):
                received += data
            writer.join()
            assert received == every_byte
        assert tunnel.wait(PATIENCE_S) == 0
        tunnel.stdout.close()
