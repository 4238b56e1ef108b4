"""A person's session, whole: a real Chromium clicks through the page; the log holds what it did and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from playwright.sync_api import Page, sync_playwright

from collector.environments.docker import DockerEnvironment
from collector.episodes.spec import EpisodeSpec
from collector.human import consent
from collector.human.server import make_app
from collector.human.visit import Visit
from manifests.clip_io import ClipReader
from manifests.consent import read_consent
from manifests.pages import new_token, serving
from manifests.session import Action, SessionFolder
from manifests.task import find_task
from manifests.video import iter_frames

pytestmark = [pytest.mark.e2e, pytest.mark.needs("docker", "desktop", "chromium", "ffmpeg")]
EDITOR = find_task("desktop-editor-note").instantiate(0)
TEXT, NAME = EDITOR.parameters["text"], EDITOR.parameters["name"]
TEXT_EDITOR_ICON = (99, 748)
EDITOR_PAGE = (500, 380)
HANDS_MS = 40


class Recorder:
    """`goaltrace record ... --agent human` in a process of its own."""

    def __init__(self, out: Path, *arguments: str) -> None:
        self.person = f"p-{uuid.uuid4().hex[:8]}"
        command = [sys.executable, "-m", "goaltrace", "record", *arguments, "--agent", "human", "--no-open"]
        self._process = subprocess.Popen(
            [*command, "--consent-id", self.person, "--out", str(out)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        self.address = self._process.stderr.readline().strip()

    def container(self) -> str:
        (ours,) = containers(self.person)
        return ours

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self, status: int) -> tuple[str, str]:
        """Wait for the command's end; what it printed, to standard output and to standard error."""
        out, errors = self._process.communicate(timeout=90)
        assert self._process.returncode == status, errors
        assert "Traceback" not in errors
        assert containers(self.person) == []
        return out, errors

    def kill(self) -> None:
        if self._process.poll() is None:
            self.interrupt()
            self._process.communicate(timeout=60)


def containers(person: str) -> list[str]:
    """The containers that record this person."""
    command = ["docker", "ps", "-a", "--format", '{{.Label "goaltrace.episode"}} {{.ID}}']
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[1] for line in lines if person in line]


def inside(container: str, command: str) -> str:
    """What a shell command in the container prints; only ever used to look, and to break things."""
    run = ["docker", "exec", "-u", "agent", container, "sh", "-c", command]
    return subprocess.run(run, capture_output=True, text=True, check=False).stdout


def wait_until(condition: Callable[[], object], limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    started: list[Recorder] = []

    def start(*arguments: str) -> Recorder:
        started.append(Recorder(tmp_path / "sessions", *arguments))
        return started[-1]

    yield start
    for recorder in started:
        recorder.kill()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        yield page
        browser.close()
        assert problems == []


def wait_mark(page: Page, mark: str) -> None:
    """Wait until the mark at the page's top says so; it is on top, whole and as wide as the page, whatever it says."""
    page.wait_for_selector(f"body[data-mark={mark}]", timeout=60_000)
    assert page.locator("#mark").bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 28}
    assert page.evaluate("document.elementFromPoint(30, 14).closest('#mark') !== null")


def agree(page: Page, address: str) -> None:
    page.goto(address)
    wait_mark(page, "consent")
    assert page.locator("#consent-text").inner_text().split() == consent.TEXT.split()
    assert page.locator("#consent-go").is_disabled()
    page.check("#agree")
    page.click("#consent-go")
    wait_mark(page, "ready")
    page.wait_for_selector("#screen canvas")
    page.wait_for_selector("#veil", state="hidden")


def start(page: Page) -> None:
    page.click("#start")
    wait_mark(page, "recording")
    assert page.locator("#mark-word").inner_text() == "Recording"
    assert page.title().startswith("● Recording")


def click(page: Page, spot: tuple[int, int]) -> None:
    """A click at a place on the desktop, in its own pixels."""
    box = page.locator("#screen canvas").bounding_box()
    assert box is not None and (box["width"], box["height"]) == (1024, 768), (
        "one pixel is one pixel where there is room"
    )
    page.mouse.move(box["x"] + spot[0], box["y"] + spot[1], steps=5)
    page.mouse.click(box["x"] + spot[0], box["y"] + spot[1], delay=HANDS_MS)


def type_keys(page: Page, text: str) -> None:
    page.keyboard.type(text, delay=HANDS_MS)


def keys_of(text: str) -> list[str]:
    return [{" ": "space"}.get(letter, letter) for letter in text]


@pytest.mark.timeout(300)
def test_the_recorded_actions_are_those_of_the_person(
    record: Callable[..., Recorder], page: Page, tmp_path: Path
) -> None:
    recorder = record("desktop-editor-note")
    agree(page, recorder.address)
    session = SessionFolder(tmp_path / f"sessions/desktop-editor-note-human-0000-{recorder.person}")
    assert list(session.path.iterdir()) == [], "nothing is written before Start"
    click(page, (500, 300))  # the desktop does not react before Start, and the log must not hold this
    container = recorder.container()
    password = inside(container, "cat /run/user/1000/vnc-password").strip()
    listening = inside(container, "grep ' 0A ' /proc/net/tcp /proc/net/tcp6")
    assert listening == "", "the screen is reached by a socket of the container's user, not over a network"
    windows = lambda: inside(container, "wmctrl -l")  # noqa: E731

    start(page)
    assert read_consent(session.consent_path).consent_id == recorder.person
    click(page, TEXT_EDITOR_ICON)
    wait_until(lambda: "Mousepad" in windows())
    time.sleep(1)
    click(page, EDITOR_PAGE)
    type_keys(page, TEXT)

    page.click("#pause")
    wait_mark(page, "paused")
    type_keys(page, "77")
    page.keyboard.press("Backspace", delay=HANDS_MS)
    page.keyboard.press("Backspace", delay=HANDS_MS)
    time.sleep(0.5)
    page.click("#pause")
    wait_mark(page, "recording")

    box = page.locator("#hide").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 20)
    page.mouse.down()
    wait_mark(page, "hidden")
    type_keys(page, "5555")
    for _ in range(4):
        page.keyboard.press("Backspace", delay=HANDS_MS)
    time.sleep(0.5)
    page.mouse.up()
    wait_mark(page, "recording")
    time.sleep(0.5)

    page.keyboard.press("Control+s", delay=HANDS_MS)
    wait_until(lambda: "Save As" in windows())
    time.sleep(0.5)
    page.keyboard.press("Control+a", delay=HANDS_MS)
    type_keys(page, f"{NAME}.txt")
    time.sleep(1)  # the dialog's completion must not take the next key
    page.keyboard.press("Enter", delay=HANDS_MS)
    wait_until(lambda: f"{NAME}.txt" in windows())
    inspected = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True).stdout
    inspected += subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True).stdout
    page.click("#done")
    wait_mark(page, "finished")
    assert page.locator("#result-word").inner_text() == "Success"
    assert page.locator("#result-view").inner_text() == f"goaltrace view {session.path}"
    said = "".join(recorder.end(0))

    manifest = session.read_manifest()
    assert (manifest.outcome, manifest.actor, manifest.arm) == ("success", f"human:{recorder.person}", "human")
    assert (manifest.consent_id, manifest.invalid_reasons) == (recorder.person, [])
    given = read_consent(session.consent_path)
    assert given.text_sha256 == hashlib.sha256(consent.TEXT.encode()).hexdigest()
    _check_keys(session.actions())
    presses = [(a.kind, a.x, a.y) for a in session.actions() if a.kind in ("button_down", "button_up")]
    assert presses == [
        (kind, *spot) for spot in (TEXT_EDITOR_ICON, EDITOR_PAGE) for kind in ("button_down", "button_up")
    ]
    _check_pause_and_blank_frames(session)
    assert len(password) == 8
    assert password not in said + inspected
    assert all(password.encode() not in path.read_bytes() for path in session.path.iterdir())

    packed = subprocess.run(
        [sys.executable, "-m", "goaltrace", "pack", str(tmp_path / "sessions"), "--out", str(tmp_path / "set")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert packed.returncode == 0, packed.stderr
    rows = ClipReader(tmp_path / "set").index().to_pylist()
    assert {(row["arm"], row["outcome"]) for row in rows} == {("human", "success")}


def _check_keys(actions: list[Action]) -> None:
    """In order: the text, eight keys without a name, the shortcuts and the file's name; not a key of the pause."""
    hidden = [None] * 8
    name = keys_of(f"{NAME}.txt")
    expected = [*keys_of(TEXT), *hidden, "Control_L", "s", "Control_L", "a", *name, "Return"]
    assert [a.key for a in actions if a.kind == "key_down"] == expected
    released = [*keys_of(TEXT), *hidden, "s", "Control_L", "a", "Control_L", *name, "Return"]
    assert [a.key for a in actions if a.kind == "key_up"] == released
    nameless = [a for a in actions if a.redacted and a.kind != "move"]
    assert len(nameless) == 16
    for action in nameless:
        assert (action.key, action.keysym, action.char, action.x, action.y) == (None,) * 5
    assert [a.t_ns for a in actions] == sorted(a.t_ns for a in actions)


def _check_pause_and_blank_frames(session: SessionFolder) -> None:
    frames, events = session.frames(), session.events()
    at = {event.kind: event.t_ns for event in events}
    assert [event.kind for event in events] == ["pause", "resume", "hide", "show"]
    assert at["resume"] - at["pause"] > 5e8
    assert not [frame for frame in frames if at["pause"] <= frame.t1_ns and frame.t0_ns <= at["resume"]]
    assert not [a for a in session.actions() if at["pause"] < a.t_ns < at["resume"]]
    hidden = [frame for frame in frames if frame.redacted]
    assert hidden
    assert all(frame.redacted for frame in frames if at["hide"] <= frame.t1_ns and frame.t0_ns <= at["show"])
    blank = {frame.index if frame.picture is None else frame.picture for frame in hidden}
    seen = {frame.index if frame.picture is None else frame.picture for frame in frames if not frame.redacted}
    assert not blank & seen
    for number, picture in enumerate(iter_frames(session.screen.read_bytes())):
        if number in blank:
            # the codec is lossy: a trace of the picture before, which was not hidden
            assert int(picture.max()) - int(picture.min()) < 8, f"picture {number} should be blank"
        elif number in seen:
            assert int(picture.max()) - int(picture.min()) > 50, f"picture {number} should show the desktop"


def test_closing_the_page_before_consent_leaves_nothing(
    record: Callable[..., Recorder], page: Page, tmp_path: Path
) -> None:
    recorder = record("desktop-editor-note")
    page.goto(recorder.address)
    wait_mark(page, "consent")
    page.check("#agree")
    page.goto("about:blank")
    assert containers(recorder.person) == []
    recorder.interrupt()
    recorder.end(130)
    assert not (tmp_path / "sessions").exists()


@pytest.mark.timeout(200)
def test_discard_asks_once_and_leaves_nothing_and_the_next_task_follows(
    record: Callable[..., Recorder], page: Page, tmp_path: Path
) -> None:
    recorder = record("desktop-editor-note", "desktop-files-folder", "--json")
    agree(page, recorder.address)
    _check_clipboards_stay_apart(page, recorder.container())
    start(page)
    click(page, EDITOR_PAGE)
    page.click("#discard")
    page.click("#discard-no")
    assert page.locator("#sure").is_hidden()
    page.click("#discard")
    page.click("#discard-yes")
    wait_mark(page, "ended")
    assert page.locator("#result-word").inner_text() == "Discarded"
    assert list((tmp_path / "sessions").iterdir()) == []
    page.click("#next")
    wait_mark(page, "ready")
    assert "task 2 of 2" in page.locator("#mark").inner_text()
    start(page)
    page.click("#give-up")
    wait_mark(page, "finished")
    results = json.loads(recorder.end(0)[0])["episodes"]
    assert [result["outcome"] for result in results] == ["discarded", "failure"]
    (kept,) = (tmp_path / "sessions").iterdir()
    manifest = SessionFolder(kept).read_manifest()
    assert manifest.outcome_detail == "the person gave up"


SECOND_VIEWER = """async (password) => {
  const RFB = (await import("./novnc/core/rfb.js")).default;
  const place = document.createElement("div");
  document.body.append(place);
  const address = new URL("screen", location.href);
  address.protocol = "ws:";
  window.viewer = new RFB(place, address.href, { shared: true, credentials: { password } });
  window.heard = [];
  window.viewer.addEventListener("clipboard", (event) => window.heard.push(event.detail.text));
  await new Promise((ready) => window.viewer.addEventListener("connect", ready));
  window.viewer.clipboardPasteFrom("from the person's own clipboard");
}"""


def _check_clipboards_stay_apart(page: Page, container: str) -> None:
    """Even a viewer that offers its clipboard does not get it into the desktop, nor the desktop's out of it."""
    page.evaluate(SECOND_VIEWER, inside(container, "cat /run/user/1000/vnc-password").strip())
    time.sleep(1)
    assert inside(container, "xclip -o -selection clipboard; xclip -o") == ""
    inside(container, "echo secret | timeout 2 xclip -i -quiet -selection clipboard")
    assert page.evaluate("window.heard") == []
    page.evaluate("() => { window.viewer.disconnect(); document.body.lastElementChild.remove(); }")


def _press_umlaut(page: Page) -> None:
    """As on a German keyboard, which Playwright does not know."""
    keyboard = page.context.new_cdp_session(page)
    for kind in ("keyDown", "keyUp"):
        keyboard.send("Input.dispatchKeyEvent", {"type": kind, "key": "ö", "code": "Semicolon", "text": "ö"})
        time.sleep(HANDS_MS / 1000)


@pytest.mark.timeout(200)
def test_a_reload_pauses_a_cut_line_is_mended_and_ctrl_c_ends_cleanly(
    record: Callable[..., Recorder], page: Page, tmp_path: Path
) -> None:
    recorder = record("desktop-editor-note")
    agree(page, recorder.address)
    start(page)
    page.reload()
    wait_mark(page, "paused")
    assert "Press Resume" in page.locator("#notes").inner_text()
    page.click("#pause")
    wait_mark(page, "recording")
    assert page.locator("#notes").inner_text() == ""

    page.wait_for_selector("#screen canvas")
    inside(recorder.container(), "pkill -f collector.human.tunnel")
    page.wait_for_function("() => document.getElementById('veil-note').textContent.includes('lost')")
    page.wait_for_selector("#veil", state="hidden")
    click(page, EDITOR_PAGE)
    time.sleep(0.5)
    assert inside(recorder.container(), "pgrep -fc '^[^ ]*python -m collector.human.tunnel'").strip() == "1"

    _press_umlaut(page)
    page.keyboard.down("Shift")
    page.click("#goal")
    page.keyboard.up("Shift")
    type_keys(page, "x")
    time.sleep(0.5)

    recorder.interrupt()
    wait_mark(page, "finished")
    recorder.end(130)
    session = SessionFolder(tmp_path / f"sessions/desktop-editor-note-human-0000-{recorder.person}")
    manifest = session.read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert manifest.outcome_detail == "stopped in the terminal"
    shift = [a.kind for a in session.actions() if a.key == "Shift_L"]
    assert shift == ["key_down", "key_up"], "a key held while the focus goes must not stay down"
    umlaut = [(a.key, a.char) for a in session.actions() if a.kind == "key_down" and a.key != "Shift_L"]
    assert umlaut == [("ö", "ö")], "a key that the desktop's own keyboard lacks has its name too"
    assert "x" not in [a.key for a in session.actions()], "keys go to the desktop only while it has the focus"
    assert [(event.kind, event.reason) for event in session.events()] == [
        ("pause", "the page was closed"),
        ("resume", "page"),
    ]
    assert [(a.x, a.y) for a in session.actions() if a.kind == "button_down"] == [EDITOR_PAGE]


def test_a_container_that_dies_ends_the_session_and_says_so(
    record: Callable[..., Recorder], page: Page, tmp_path: Path
) -> None:
    recorder = record("desktop-editor-note")
    agree(page, recorder.address)
    start(page)
    time.sleep(1)
    subprocess.run(["docker", "kill", recorder.container()], check=True, capture_output=True)
    wait_mark(page, "finished")
    assert page.locator("#result-word").inner_text() == "Ended early"
    assert "aborted" in recorder.end(1)[0]
    manifest = SessionFolder(tmp_path / f"sessions/desktop-editor-note-human-0000-{recorder.person}").read_manifest()
    assert (manifest.state, manifest.outcome, manifest.consent_id) == ("complete", "aborted", recorder.person)


def test_a_page_that_does_not_come_back_ends_the_recording(tmp_path: Path) -> None:
    spec = EpisodeSpec.of(EDITOR, session_id="s", agent="human", fps=15, environment="docker")
    spec = spec.model_copy(update={"episode_id": f"left-{uuid.uuid4().hex[:8]}", "consent_id": "p-test"})

    async def visit_and_leave() -> None:
        visit = Visit(DockerEnvironment(), [spec], tmp_path, "p-test", done=lambda result: None, grace_s=1)
        token = new_token()
        running = asyncio.create_task(visit.run())
        async with serving(make_app(token, visit), token) as address, aiohttp.ClientSession() as client:
            control = await client.ws_connect(address + "control")
            await control.send_json({"do": "consent"})
            while (state := await control.receive_json(timeout=60))["phase"] != "recording":
                if state["phase"] == "ready":
                    await control.send_json({"do": "start"})
            await control.send_json({"do": "hide"})
            await control.close()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(running, 60)

    asyncio.run(visit_and_leave())
    session = SessionFolder(tmp_path / spec.episode_id)
    manifest = session.read_manifest()
    assert (manifest.outcome, manifest.outcome_detail) == ("aborted", "the page was closed for 1 s")
    kinds = [event.kind for event in session.events()]
    assert kinds[:3] == ["hide", "pause", "show"], "paused before anything is shown again"
    paused = next(event.t_ns for event in session.events() if event.kind == "pause")
    assert not [frame for frame in session.frames() if frame.t1_ns > paused]
    assert containers(spec.episode_id) == []
