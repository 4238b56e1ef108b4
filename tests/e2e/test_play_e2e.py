"""The play page in a real Chromium, with a tiny model that was trained a few steps: it answers, and Ctrl-C ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.browsing import opened, until
from tests.factories import make_dataset
from tests.trainer.conftest import SMALL

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]
READY = "document.body.dataset.mode !== 'connecting'"
FRONT_DOOR = ("-m", "goaltrace")
TEXT, POINTER = "model.text=bytes", "train.head_steps=150"  # so that the pointer is drawn
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("play")
    make_dataset(folder / "boxes", per_arm=3, frames=60)
    settings = [word for setting in [*SMALL, TEXT, POINTER] for word in ("--set", setting)]
    command = [
        sys.executable,
        *FRONT_DOOR,
        "train",
        folder / "boxes",
        "--out",
        folder / "run",
        "--log",
        "none",
        *settings,
    ]
    subprocess.run(command, check=True, env=ALONE)
    return folder / "run"


@contextmanager
def playing(run: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that a real `goaltrace play` prints; Ctrl-C must end it well and leave nothing behind."""
    command = [sys.executable, *FRONT_DOOR, "play", run, "--fps", "20", "--json", *words]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ALONE)
    assert server.stdout is not None and server.stderr is not None
    try:
        address = json.loads(server.stdout.readline())["address"]
        yield address, server
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    assert server.stderr.read() == ""
    port = urlsplit(address).port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port or 0), 2):
        pass
    assert not list(run.rglob("*.tmp"))


def count(page: Any) -> int:
    return int(page.inner_text("#count"))


def made(page: Any, more: int) -> None:
    """Wait until so many more frames of the model are drawn."""
    until(page, f"Number(document.getElementById('count').textContent) >= {count(page) + more}")


def settled(page: Any) -> tuple[int, str]:
    """How many frames were made and what is shown, once nothing has changed for a second."""
    end, since, before = time.monotonic() + 20, time.monotonic(), (count(page), picture(page))
    while time.monotonic() < since + 1:
        assert time.monotonic() < end, "it goes on and on"
        page.wait_for_timeout(50)
        if (now := (count(page), picture(page))) != before:
            since, before = time.monotonic(), now
    return before


def picture(page: Any) -> str:
    return str(page.evaluate("document.getElementById('canvas').toDataURL()"))


def saved(page: Any) -> list[dict[str, Any]]:
    """The actions that the model was given, as they are saved."""
    page.click("#save")
    until(page, "document.getElementById('notice').textContent.includes('Saved in')")
    folder = Path(page.inner_text("#notice").removeprefix("Saved in ").rsplit(": ", 1)[0])
    page.evaluate("document.getElementById('notice').textContent = ''")
    assert (folder / "played.mp4").stat().st_size > 500 and (folder / "played.gif").stat().st_size > 500
    return [json.loads(line) for line in (folder / "actions.jsonl").open()]


def test_what_a_person_does_reaches_the_model_and_frames_come_back(browser: Any, run: Path) -> None:
    with playing(run) as (address, _), opened(browser, address, READY) as page:
        assert page.inner_text("#mode") == "Paused" and count(page) == 0
        until(page, "document.getElementById('clips').childElementCount > 0")
        before = picture(page)
        page.click("#begin")
        made(page, 3)
        box = page.locator("#canvas").bounding_box()
        scale = box["width"] / 64

        def at(x: float, y: float) -> tuple[float, float]:
            return box["x"] + x * scale, box["y"] + y * scale

        page.mouse.move(*at(10, 10))
        page.mouse.move(*at(40, 30), steps=8)
        page.mouse.down()
        made(page, 2)
        page.mouse.up()
        page.mouse.wheel(0, 200)
        page.keyboard.type("Hi")
        page.keyboard.press("Control+s")
        made(page, 4)
        assert picture(page) != before
        assert page.inner_text("#latency") != "–" and float(page.inner_text("#rate")) > 0
        actions = saved(page)
        doings = [(a["kind"], a["button"] or a["key"] or a["dy"]) for a in actions if a["kind"] != "move"]
        assert doings == [
            ("button_down", "left"), ("button_up", "left"), ("scroll", -2),
            ("key_down", "H"), ("key_up", "H"), ("key_down", "i"), ("key_up", "i"),
            ("key_down", "Control_L"), ("key_down", "s"), ("key_up", "s"), ("key_up", "Control_L"),
        ]  # fmt: skip
        press = next(action for action in actions if action["kind"] == "button_down")
        assert (press["x"], press["y"]) == pytest.approx((160, 120), abs=3)  # the clip is 256 x 192, the model 64 x 48
        lift = next(action for action in actions if action["kind"] == "button_up")
        assert lift["frame"] > press["frame"] >= 2 and lift["t_ns"] > press["t_ns"] > 0
        shown = page.locator("#done li").all_inner_texts()
        assert shown == ["left button", "scroll down 2", "H", "i", "Control_L", "s"]


def test_the_keyboard_is_held_only_inside_the_picture(browser: Any, run: Path) -> None:
    with playing(run) as (address, _), opened(browser, address, READY) as page:
        page.click("#begin")
        assert "Your keys go to the model" in page.inner_text("#keyboard")
        page.keyboard.press("Tab")  # goes to the model and not to the next button
        assert page.evaluate("document.activeElement.id") == "canvas"
        page.keyboard.down("Shift")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") != "canvas"
        assert "Click into the picture" in page.inner_text("#keyboard")
        page.keyboard.up("Shift")
        page.keyboard.press("x")
        page.mouse.click(20, 400)
        made(page, 2)
        keys = [(action["kind"], action["key"]) for action in saved(page) if action["kind"].startswith("key")]
        assert keys == [
            ("key_down", "Tab"), ("key_up", "Tab"), ("key_down", "Shift_L"),
            ("key_down", "Escape"), ("key_up", "Escape"), ("key_up", "Shift_L"),
        ]  # fmt: skip


def test_pause_step_restart_another_clip_and_a_replay(browser: Any, run: Path) -> None:
    with playing(run, "--clip", "1") as (address, _), opened(browser, address, READY) as page:
        _, first = settled(page)
        page.click("#begin")
        made(page, 4)
        page.click("#play")
        until(page, "document.body.dataset.mode === 'paused'")
        still, _ = settled(page)
        page.click("#step")
        until(page, f"document.getElementById('count').textContent === '{still + 1}'")
        assert settled(page)[0] == still + 1
        page.click("#restart")
        until(page, "document.getElementById('count').textContent === '0'")
        assert settled(page)[1] == first
        page.click(".clip >> nth=1")
        until(page, "document.getElementById('clip-of').textContent.startsWith('2 of')")
        page.check("#replay", force=True)
        until(page, "!document.getElementById('beside').hidden")
        page.click("#begin")
        until(page, "document.getElementById('mode').textContent === 'End of the recording'")
        assert len(saved(page)) > 0


def test_another_goal_reaches_the_model(browser: Any, run: Path) -> None:
    with playing(run, "--goal", "Light no box") as (address, _), opened(browser, address, READY) as page:
        assert page.input_value("#goal") == "Light no box" and page.is_disabled("#aim")
        page.fill("#goal", "Light two boxes")
        page.click("#aim")
        until(page, "document.getElementById('aim').disabled")
        page.reload()
        until(page, "document.getElementById('goal').value === 'Light two boxes'")


def test_a_second_page_is_told_and_no_frame_is_made_when_nobody_looks(browser: Any, run: Path) -> None:
    with playing(run) as (address, _):
        with opened(browser, address, READY) as page:
            page.click("#begin")
            made(page, 2)
            with opened(browser, address, READY) as second:
                until(second, "document.getElementById('away-title').textContent.includes('playing this run')")
                assert second.is_visible("#again")
            made(page, 2)
        with opened(browser, address, READY) as page:
            until(page, "document.getElementById('clip-id').textContent !== ''")
            assert page.inner_text("#mode") == "Paused"


def test_the_page_says_when_the_command_has_ended(browser: Any, run: Path) -> None:
    with playing(run) as (address, server), opened(browser, address, READY) as page:
        page.click("#begin")
        made(page, 2)
        server.send_signal(signal.SIGINT)
        until(page, "document.getElementById('away-title').textContent === 'goaltrace play has ended'")
        assert server.wait(20) == 0
