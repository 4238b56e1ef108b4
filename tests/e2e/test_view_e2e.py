"""The review page in a real Chromium: it plays, steps, seeks, trims and discards, and runs nothing a session says."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collector.video.encoder import Encoder
from collector.view.export import write_page
from manifests.files import append_jsonl
from manifests.session import Action, Event, Frame, Intent, SessionFolder
from tests.collector.session_folders import TICK_NS, make_session
from tests.collector.view.test_view import hostile_session
from tests.e2e.browsing import opened, until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "ffmpeg")]
READY = "typeof video !== 'object' || !hasVideo || video.readyState >= 2"
FRONT_DOOR = ("-m", "goaltrace")
WIDTH, HEIGHT, FRAMES = 320, 240, 90
SHIFT_NS = 500_000_000
"""The first frame is this late: the video's time 0 is not the session's."""


def colour(picture: int) -> tuple[int, int, int]:
    """Neighbouring pictures differ by far more than the codec's error."""
    return (picture % 4 * 80, picture // 4 % 4 * 80, picture // 16 % 8 * 32)


def t1_of(frame: int) -> int:
    return SHIFT_NS + frame * TICK_NS + 2_000_000


def coloured_session(path: Path, **changes: object) -> SessionFolder:
    """Each picture has a colour of its own and is shown by two frames; a click, a drag, Ctrl+S and a hidden key."""
    folder = make_session(path, frames=2, **{"width": WIDTH, "height": HEIGHT, **changes})
    for log in (folder.frames_path, folder.actions_path, folder.intents_path):
        log.unlink()
    with Encoder(folder.screen, WIDTH, HEIGHT) as encoder:
        for picture in range(FRAMES // 2):
            image = np.full((HEIGHT, WIDTH, 3), colour(picture), np.uint8)
            encoder.show(image.tobytes(), t1_of(2 * picture))
    append_jsonl(
        folder.frames_path,
        (
            Frame(index=i, t0_ns=t1_of(i) - 2_000_000, t1_ns=t1_of(i), changed=float(i % 2 == 0), cursor_x=100 + i,
                  cursor_y=60, picture=i // 2, dropped_before=2 * (i == 50))
            for i in range(FRAMES)
        ),
    )  # fmt: skip
    done: list[tuple[float, str, dict[str, Any]]] = [
        (19.5, "button_down", {"button": "left", "x": 120, "y": 60}),
        *((20 + n / 2, "move", {"x": 120 + 8 * n, "y": 60 + 5 * n}) for n in range(8)),
        (24.5, "button_up", {"button": "left", "x": 176, "y": 95}),
        (40.5, "key_down", {"key": "Control_L"}),
        (41.5, "key_down", {"key": "s", "char": "s"}),
        (42.5, "key_up", {"key": "s"}),
        (43.5, "key_up", {"key": "Control_L"}),
        (55.99, "key_down", {"redacted": True}),
        (70.5, "scroll", {"dx": 0, "dy": -1, "x": 150, "y": 60}),
    ]
    append_jsonl(
        folder.actions_path,
        (
            Action(seq=n, t_ns=SHIFT_NS + round(at * TICK_NS), kind=kind, **fields)  # type: ignore[arg-type]
            for n, (at, kind, fields) in enumerate(done, start=1)
        ),
    )
    steps = [("drag", "Select the words", 18, 26), ("key", "Save", 39, 45)]
    append_jsonl(
        folder.intents_path,
        (Intent(seq=n, t_ns=t1_of(a), t_end_ns=t1_of(b), verb=v, goal=g) for n, (v, g, a, b) in enumerate(steps)),
    )
    append_jsonl(folder.events_path, [Event(t_ns=t1_of(55), kind="hide", reason="page"),
                                      Event(t_ns=t1_of(58), kind="show", reason="page")])  # fmt: skip
    manifest = folder.read_manifest()
    folder.write_manifest(manifest.model_copy(update={"duration_ns": t1_of(FRAMES), "frames": FRAMES}))
    return folder


@contextmanager
def viewing(path: Path) -> Iterator[str]:
    """The address that a real `goaltrace view` prints; Ctrl-C must end it well."""
    command = [sys.executable, *FRONT_DOOR, "view", str(path), "--no-open"]
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert viewer.stdout is not None
    try:
        address = viewer.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        yield address
    finally:
        viewer.send_signal(signal.SIGINT)
        assert viewer.wait(20) == 0


def seen(page: Any) -> list[int]:
    """The colour in the middle of the video's picture, once it is not seeking."""
    until(page, "!video.seeking && video.readyState >= 2")
    return page.evaluate(
        """() => {
          const canvas = document.createElement("canvas");
          canvas.width = video.videoWidth; canvas.height = video.videoHeight;
          const g = canvas.getContext("2d");
          g.drawImage(video, 0, 0);
          return [...g.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
        }"""
    )


def assert_shows(page: Any, frame: int) -> None:
    assert page.evaluate("now.frame") == frame
    assert f"frame {frame}" in " ".join(page.locator("#readout").inner_text().split())
    page.wait_for_timeout(120)  # the video is a moment behind the page, on a busy machine some more
    shown, end = pytest.approx(colour(frame // 2), abs=12), time.monotonic() + 15
    while seen(page) != shown and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert seen(page) == shown
    assert page.evaluate("now.frame") == frame


def test_the_video_plays_and_the_page_follows(browser: Any, tmp_path: Path) -> None:
    coloured_session(tmp_path / "s")
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        assert_shows(page, 0)
        page.click("#play")
        until(page, "video.currentTime > 1 && !video.paused")
        page.keyboard.press("Space")
        frame = page.evaluate("now.frame")
        assert 10 < frame < FRAMES - 1
        assert_shows(page, frame)
        page.select_option("#speed", "8")
        page.click("#play")
        until(page, f"!now.playing && now.frame === {FRAMES - 1}")
        assert_shows(page, FRAMES - 1)


def test_every_frame_can_be_stepped_to_and_shows_its_own_picture(browser: Any, tmp_path: Path) -> None:
    coloured_session(tmp_path / "s")
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        for frame in range(1, 34):
            page.keyboard.press("ArrowRight" if frame % 2 else ".")
            assert_shows(page, frame)
        for frame in (32, 31, 30):
            page.keyboard.press("ArrowLeft")
            assert_shows(page, frame)
        page.keyboard.press("Home")
        page.keyboard.press("n")  # the sub-goal
        assert_shows(page, 18)
        page.keyboard.press("n")  # the press
        assert_shows(page, 20)
        page.keyboard.press("p")
        assert_shows(page, 18)


def test_a_click_in_the_timeline_or_the_list_seeks(browser: Any, tmp_path: Path) -> None:
    coloured_session(tmp_path / "s")
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        box = page.locator("#timeline").bounding_box()
        x = page.evaluate(f"xOf({t1_of(60) + TICK_NS // 2})")
        page.mouse.click(box["x"] + x, box["y"] + 60)
        assert_shows(page, 60)
        page.mouse.wheel(0, -400)
        until(page, "view.to - view.from < END * 0.7")
        page.mouse.click(box["x"] + page.evaluate(f"xOf({t1_of(62) + TICK_NS // 2})"), box["y"] + 100)
        assert_shows(page, 62)
        page.locator(".row", has_text="key Ctrl+S").click()
        assert_shows(page, 42)
        assert "now" in page.locator(".row", has_text="key Ctrl+S").get_attribute("class")


def painted(page: Any, x: int, y: int) -> list[int]:
    """The overlay's pixel (r, g, b, a) over the screen's pixel x, y."""
    return page.evaluate(
        f"[...overlay.getContext('2d').getImageData(Math.round({x} * scale), Math.round({y} * scale), 1, 1).data]"
    )


def test_presses_drags_and_keys_are_drawn_where_and_when_they_happened(browser: Any, tmp_path: Path) -> None:
    coloured_session(tmp_path / "s")
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        page.evaluate("showFrame(19)")
        assert painted(page, 120, 60)[3] == 0
        page.evaluate("showFrame(22)")  # the button is down at 120, 60, and the pointer has moved
        red, green, _, alpha = painted(page, 120, 60)
        assert (red > 150, green < 120, alpha > 80) == (True, True, True)
        assert painted(page, 136, 70)[3] > 80  # the trace
        page.evaluate("showFrame(42)")
        middle_of_cap = [WIDTH // 2, HEIGHT - round(29 / page.evaluate("scale"))]
        assert painted(page, *middle_of_cap)[3] > 80
        page.uncheck("#show-keys")
        assert painted(page, *middle_of_cap)[3] == 0
        assert page.evaluate("keys.map((key) => key.label)") == ["Ctrl", "Ctrl+S", "•"]
        assert page.locator(".row", has_text="hidden for").count() == 1


def test_trims_are_saved_and_shown_again(browser: Any, tmp_path: Path) -> None:
    session = coloured_session(tmp_path / "s")
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        page.evaluate("showFrame(10)")
        page.keyboard.press("[")
        until(page, "kept !== null")
        page.evaluate("showFrame(80)")
        page.click("#trim-end")
        until(page, f"kept[1] === {t1_of(80)}")
        frames = session.frames()
        assert session.read_manifest().keep_ns == (frames[10].t0_ns, frames[80].t1_ns)
        page.reload()
        until(page, "typeof kept === 'object' && kept !== null")
        assert "Kept: 0:01.1" in page.inner_text("#kept")
        page.evaluate("showFrame(5)")
        page.keyboard.press("]")  # would end before it begins
        until(page, "document.getElementById('said').textContent !== ''")
        assert session.read_manifest().keep_ns == (frames[10].t0_ns, frames[80].t1_ns)
        page.click("#keep-all")
        until(page, "kept === null")
        assert session.read_manifest().keep_ns is None


def test_discard_asks_once_more_and_removes_the_folder(browser: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        coloured_session(tmp_path / "all" / name)
    with viewing(tmp_path / "all") as address, opened(browser, address, READY) as page:
        page.click("td.name a >> nth=0")
        page.wait_for_url("**/s/0/")
        page.click("#discard")
        page.click("#discard-not")
        assert (tmp_path / "all" / "a").is_dir()
        page.click("#discard")
        page.click("#discard-now")
        page.wait_for_selector("#gone:visible")
        assert "The folder of a was removed." in page.inner_text("#gone")
        assert not (tmp_path / "all" / "a").exists()
        page.click("#gone-next")
        page.wait_for_url("**/s/1/")
        assert (tmp_path / "all" / "b").is_dir()
        page.click("#list")
        assert page.locator("tr.gone").count() == 1


def test_one_file_plays_without_a_server_and_changes_nothing(browser: Any, tmp_path: Path) -> None:
    session = coloured_session(tmp_path / "s", keep_ns=(t1_of(3), t1_of(30)))
    write_page(session, tmp_path / "page.html")
    shutil.rmtree(session.path)
    with opened(browser, (tmp_path / "page.html").as_uri(), READY) as page:
        page.evaluate("showFrame(33)")
        assert_shows(page, 33)
        assert not page.is_visible("#discard")
        assert not page.is_visible("#trim-start")
        page.keyboard.press("[")
        assert page.evaluate("kept") == [t1_of(3), t1_of(30)]
        page.click("#play")
        until(page, "now.frame > 40")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_copy_of_the_video_outlives_the_viewer(tmp_path: Path, how: signal.Signals) -> None:
    coloured_session(tmp_path / "s")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, *FRONT_DOOR, "view", str(tmp_path / "s"), "--no-open"]
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(scratch)})
    assert viewer.stdout is not None
    urllib.request.urlopen(f"{viewer.stdout.readline().strip()}s/0/video.mp4").read()
    assert [path.suffix for path in scratch.glob("*/*")] == [".mp4"]
    assert next(scratch.iterdir()).stat().st_mode & 0o77 == 0
    viewer.send_signal(how)
    assert viewer.wait(20) == 0
    assert list(scratch.iterdir()) == []


def test_what_a_session_says_is_never_run(browser: Any, tmp_path: Path) -> None:
    hostile_session(tmp_path / "all" / "bad")
    coloured_session(tmp_path / "all" / "good")
    with viewing(tmp_path / "all") as address:
        for path in ("", "s/0/"):
            with opened(browser, address + path, READY) as page:
                page.wait_for_timeout(300)
                assert page.evaluate("typeof window.pwned") == "undefined"
                assert "onerror=" in page.inner_text("body")  # as text


def test_an_hour_with_a_hundred_thousand_moves_opens_and_stays_quick(browser: Any, tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", frames=2)
    for log in (session.frames_path, session.actions_path):
        log.unlink()
    hour, moves = 54_000, 100_000
    append_jsonl(session.frames_path, (Frame(index=i, t0_ns=i * TICK_NS, t1_ns=i * TICK_NS + 10**6, cursor_x=i % 64,
                 cursor_y=5, changed=i % 7 / 7, picture=min(i, 1)) for i in range(hour)))  # fmt: skip
    step = hour * TICK_NS // moves
    append_jsonl(session.actions_path, (Action(seq=i, t_ns=i * step, kind="move" if i % 10 else "key", key="a",
                 char="a", x=i % 64, y=3) for i in range(moves)))  # fmt: skip
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        assert page.evaluate("rows.length") > 10_000
        assert page.locator(".row").count() < 80
        slowest = page.evaluate(
            """() => {
              const took = [];
              for (let n = 0; n < 20; n++) {
                const begin = performance.now();
                zoom(600, n % 2 ? 0.5 : 1.5);
                showFrame(2000 * n);
                took.push(performance.now() - begin);
              }
              return took.sort((a, b) => a - b)[10];
            }"""
        )
        assert slowest < 200  # ms; a few in truth


def test_a_broken_session_is_never_a_blank_page(browser: Any, tmp_path: Path) -> None:
    session = coloured_session(tmp_path / "s")
    session.screen.unlink()
    session.frames_path.unlink()
    with viewing(tmp_path / "s") as address, opened(browser, address, READY) as page:
        assert "screen.mkv is missing" in page.inner_text("#problems")
        assert page.locator(".row", has_text="key Ctrl+S").count() == 1
        page.click("#play")
        until(page, "now.t > 5e8")
