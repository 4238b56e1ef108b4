"""A page's address is for this user alone: no program's command line shows it, and the browser still finds the page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from manifests.pages import opened
from tests.waiting import PATIENCE_S

BROWSER = """\
import html, json, os, pathlib, re, sys, time, urllib.parse, urllib.request
page = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(sys.argv[1]).path))
address = html.unescape(re.search(r"url=([^\\"]+)", page.read_text(encoding="utf-8"))[1])
modes = [page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777]
body = urllib.request.urlopen(address).read().decode()
told = pathlib.Path(sys.argv[0]).with_name("told.json")
seen = {"arguments": sys.argv[1:], "address": address, "modes": modes, "body": body}
told.with_suffix(".tmp").write_text(json.dumps(seen))
os.replace(told.with_suffix(".tmp"), told)
time.sleep(60)
"""


def command_lines() -> list[bytes]:
    """Those of every program that runs here."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                found.append((process / "cmdline").read_bytes())
            except OSError:
                continue
    return found


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that follows the page it was given, says what it saw, and stays open; where it says so."""
    program = tmp_path / "browser.py"
    program.write_text(BROWSER)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {program} %s")
    for name in [name for name in os.environ if name in ("DISPLAY", "WAYLAND_DISPLAY")]:
        monkeypatch.delenv(name)
    return tmp_path / "told.json"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc here")
def test_no_command_line_shows_the_token_while_a_browser_opens_the_page(browser: Path) -> None:
    served = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        token = address.rstrip("/").rsplit("/", 1)[1]
        seen: list[bytes] = []
        until = time.monotonic() + PATIENCE_S
        while not browser.exists() and time.monotonic() < until:
            seen += command_lines()
        seen += command_lines()
        told = json.loads(browser.read_text(encoding="utf-8"))
        assert told["address"] == address and told["body"] == "the page"
        assert told["modes"] == [0o600, 0o700]
        assert any(b"browser.py" in line for line in seen), "the browser was looked at"
        assert not any(token.encode() in line for line in seen)
        page = Path(re.sub("^file://", "", told["arguments"][0]))
        served.terminate()
        served.wait(PATIENCE_S)
        assert not page.exists(), "what leads there goes with the page"
    finally:
        served.kill()
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and str(browser.with_name("browser.py")).encode() in _line(process):
                os.kill(int(process.name), 9)


def _line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


SERVER = """\
from aiohttp import web
from manifests.pages import new_token, serve, token_guard
token = new_token()
app = web.Application(middlewares=[token_guard(token)])
async def page(request): return web.Response(text="the page")
app.router.add_get(f"/{token}/", page)
serve(app, token, 0, lambda address: print(address, flush=True), open_browser=True)
"""


def test_a_browser_that_does_not_end_holds_nothing_up(browser: Path) -> None:
    began = time.monotonic()
    with opened("http://127.0.0.1:9/token/"):
        assert time.monotonic() - began < 5


def test_every_command_that_opens_a_page_goes_this_way() -> None:
    """webbrowser.open is called for an address with a token nowhere else."""
    root = Path(__file__).parents[2]
    callers = {
        path.relative_to(root).as_posix()
        for room in ("collector", "curation", "manifests", "trainer")
        for path in (root / room).rglob("*.py")
        if re.search(r"webbrowser\.open|xdg-open", path.read_text(encoding="utf-8"))
    }
    assert callers == {"manifests/pages.py", "curation/commands/report.py"}, "report opens a file"
