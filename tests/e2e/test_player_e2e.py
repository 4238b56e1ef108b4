"""Exported casts in asciinema's own player: it accepts them, and shows at any time what our screen shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.terminal.cast import Cast, open_cast, parse_size
from collector.terminal.rows import Cell
from collector.terminal.screen import Screen
from goaltrace import main
from tests.conftest import PLAYER, SHARED_DATA, require

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "player")]
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/player/asciinema-player.css">
<script src="/player/asciinema-player.min.js"></script><div id="here"></div>"""
OPEN = """async (address) => {
  window.seen = {input: [], marker: [], wrong: []};
  const note = (...said) => seen.wrong.push(said.map(String).join(" "));
  const logger = {log() {}, debug() {}, info() {}, warn: note, error: note};
  const options = {preload: true, speed: 40, fit: "none", cursorMode: "hidden", logger};
  window.player = AsciinemaPlayer.create(address, here, options);
  player.addEventListener("input", (event) => seen.input.push(event.data));
  player.addEventListener("marker", (event) => seen.marker.push(event.label));
  player.addEventListener("ended", () => { seen.ended = true; });
}"""
LINES = """() => {
  // Text stands in spans at its column; powerline symbols are shapes that name their character and column; blocks and
  // backgrounds are painted on a canvas of 8 x 24 px a cell.
  const canvas = document.querySelector(".ap-term canvas"), ink = canvas.getContext("2d");
  const painted = (x, y) => ink.getImageData(8 * x, 24 * y, 8, 24).data.some((byte) => byte > 0);
  const lines = [...document.querySelectorAll(".ap-line")].map((line) => {
    const cells = Array(canvas.width / 8).fill(" ");
    for (const span of line.children) {
      let column = Number(span.style.getPropertyValue("--offset"));
      for (const char of span.textContent) cells[column++] = char;
    }
    return cells;
  });
  document.querySelectorAll(".ap-symbol-line").forEach((line, row) => {
    for (const use of line.querySelectorAll("use"))
      lines[row][Math.round(use.getAttribute("x"))] = String.fromCodePoint(use.getAttribute("href").slice(5));
  });
  return lines.map((cells, y) => cells.map((char, x) => char === " " && painted(x, y) ? "\u2592" : char).join(""));
}"""
FILLED = "\u2592"
"""Stands for a cell that is painted: a block, a piece of a box, or a background without text."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the player in it, and the address it is served at."""
    require("player")  # a module's fixtures come before a test's marks are looked at
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(PLAYER, folder / "player")
    (folder / "index.html").write_text(PAGE, encoding="utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def player_of(browser: Any, address: str, cast: str) -> Iterator[Any]:
    """A page whose player has opened a cast; what it complains about fails the test."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.evaluate(OPEN, f"/{cast}")
    yield page
    assert wrong + page.evaluate("seen.wrong") == []
    page.close()


def filled(char: str) -> bool:
    return 0x2500 <= ord(char) <= 0x25A0 or 0x1FB00 <= ord(char) <= 0x1FB3B


def cell_text(cell: Cell) -> str:
    """A cell as the player's page tells it; a wide character is in its left half."""
    text = cell.text if cell.half < 2 else ""
    if text in ("", " "):
        return FILLED if cell.style.bg is not None or cell.style.inverse else " "
    return FILLED if filled(text[0]) else text


def screen_at(cast: Cast, t_ns: float) -> list[str]:
    """The rows of our screen after all events up to a time."""
    screen = Screen(cast.columns, cast.rows)
    for event in cast.events():
        if event.t_ns > t_ns:
            break
        if event.code == "o":
            screen.feed(event.data)
        elif event.code == "r":
            screen.resize(*parse_size(event.data, ""))
    rows = dict(screen.changed_rows())
    return ["".join(cell_text(rows[y].cells[x]) for x in rows[y].which) for y in range(screen.size[1])]


def assert_shows(page: Any, lines: list[str], within_s: float = 15) -> None:
    """Within a moment: the page follows the player's core."""
    end = time.monotonic() + within_s
    while (shown := ["".join(FILLED if filled(char) else char for char in line) for line in page.evaluate(LINES)]) != (
        lines
    ) and time.monotonic() < end:
        time.sleep(0.05)
    assert shown == lines


def quiet_moments(cast: Cast) -> list[int]:
    """Up to three times, spread over a cast, at which nothing had happened for 50 ms (it joins close events)."""
    times = sorted({event.t_ns for event in cast.events()})
    gaps = [(a + b) // 2 for a, b in pairwise(times) if b - a > 100_000_000]
    return gaps[:: max(1, -(-len(gaps) // 3))]


def assert_plays(browser: Any, site: tuple[Path, str], path: Path) -> None:
    """A cast opens in the player, shows our screen wherever one seeks, and plays from its start to its end."""
    folder, address = site
    shutil.copy(path, folder / path.name)
    cast = open_cast(path)
    events = list(cast.events())
    with player_of(browser, address, path.name) as page:
        for t_ns in quiet_moments(cast):
            page.evaluate("(t) => player.seek(t)", t_ns / 1e9)
            assert_shows(page, screen_at(cast, t_ns))
        page.evaluate("() => player.seek('100%')")
        assert_shows(page, screen_at(cast, events[-1].t_ns))
        assert page.evaluate("player.getDuration()") == pytest.approx(events[-1].t_ns / 1e9, abs=1e-5)
    with player_of(browser, address, path.name) as page:
        page.evaluate("() => player.play()")
        page.wait_for_function("seen.ended", timeout=30_000)
        assert_shows(page, screen_at(cast, events[-1].t_ns))
        assert "".join(page.evaluate("seen.input")) == "".join(event.data for event in events if event.code == "i")
        assert page.evaluate("seen.marker") == [event.data for event in events if event.code == "m"]


def exported(session: str | Path, out: Path, version: str) -> Path:
    assert main(["export", "cast", str(session), "--out", str(out), "--format", version]) == 0
    return out


@pytest.mark.needs("shared")
@pytest.mark.parametrize(("name", "version"), [
    *((path.stem, "v3") for path in sorted((SHARED_DATA / "casts").glob("*.cast"))),
    *((name, "v2") for name in ("markers-input", "resizing", "theme")),
])  # fmt: skip
def test_an_imported_cast_goes_out_to_the_player(
    browser: Any, site: tuple[Path, str], tmp_path: Path, name: str, version: str
) -> None:
    session = import_cast(SHARED_DATA / "casts" / f"{name}.cast", tmp_path, ImportOptions(render=False)).session
    assert_plays(browser, site, exported(session, tmp_path / f"{name}-{version}.cast", version))


def test_wide_characters_stand_in_the_same_cells(browser: Any, site: tuple[Path, str], tmp_path: Path) -> None:
    # the player gives an accent that combines a cell of its own, whoever made the cast: there are none here
    text = "漢字かな|한글| é 😀👍 end\r\n\x1b[4mq\x1b[0m ☎ zw \u00a0|\x1b[2;20H\x1b[43m  "
    lines = [{"version": 3, "term": {"cols": 30, "rows": 3}}, [0.1, "o", text], [0.3, "i", "é漢"], [0.2, "o", "\r\n漢"]]
    (tmp_path / "wide.cast").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    session = import_cast(tmp_path / "wide.cast", tmp_path, ImportOptions(render=False)).session
    assert_plays(browser, site, exported(session, tmp_path / "wide-out.cast", "v3"))


@pytest.mark.needs("ffmpeg", "git")
def test_a_recorded_session_goes_out_to_the_player(browser: Any, site: tuple[Path, str], tmp_path: Path) -> None:
    command = ["record", "terminal-git-branch", "--env", "local", "--out", str(tmp_path / "recorded")]
    subprocess.run([sys.executable, "-m", "goaltrace", *command], check=True, capture_output=True, timeout=120)
    [manifest] = (tmp_path / "recorded").glob("*/session.json")
    for version in ("v3", "v2"):
        cast = exported(manifest.parent, tmp_path / f"recorded-{version}.cast", version)
        assert any("git" in line for line in screen_at(open_cast(cast), 1e30))
        assert_plays(browser, site, cast)


def test_the_comparison_can_fail(browser: Any, site: tuple[Path, str], tmp_path: Path) -> None:
    header = '{"version": 3, "term": {"cols": 9, "rows": 2}}'
    for name, text in (("one", "ab\u2588\\u001b[41m c"), ("two", "ab\u2588\\u001b[41m\\u001b[0m c")):
        (site[0] / f"{name}.cast").write_text(f'{header}\n[0.1, "o", "{text}"]\n', encoding="utf-8")
    with player_of(browser, site[1], "one.cast") as page:
        page.evaluate("() => player.seek('100%')")
        assert_shows(page, screen_at(open_cast(site[0] / "one.cast"), 1e30))
        with pytest.raises(AssertionError):
            assert_shows(page, screen_at(open_cast(site[0] / "two.cast"), 1e30), within_s=0.5)
    (site[0] / "broken.cast").write_text(f'{header}\n[0.1, "o"\n', encoding="utf-8")
    with pytest.raises(AssertionError), player_of(browser, site[1], "broken.cast") as page:
        page.evaluate("() => player.seek('100%').catch((error) => seen.wrong.push(String(error)))")
