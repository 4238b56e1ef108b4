"""The session folder: what a recording is on disk. Append-only while recording, readable after kill -9."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from manifests.errors import GoaltraceError
from manifests.files import is_plain, parse_model, read_jsonl, write_json
from manifests.ids import Id
from manifests.task import Kind
from manifests.versions import SCHEMA_VERSION, control_by_arm, read_versioned

Outcome = Literal["success", "failure", "aborted", "unverified"]
ClockSource = Literal["xserver", "pty", "callback", "nominal"]
ActionKind = Literal["move", "button_down", "button_up", "scroll", "key_down", "key_up", "key", "resize", "marker"]
EventKind = Literal["pause", "resume", "hide", "show", "sleep", "stop"]

# What clips hold of these is 32 or 64 bits wide, and sums of them must be too.
Ns = Annotated[int, Field(ge=-(2**62), le=2**62)]
Whole = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Text = Annotated[str, Field(max_length=2**20)]
MAX_FPS = 1000
MIN_FPS = 0.001


IN_CLEAR = "typed in clear: "
"""How a clip's `invalid_reasons` begin where its session's pictures may show a secret that a person typed."""


class Record(BaseModel):
    """A line of a log; unknown keys of a later minor version are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Frame(Record):
    """One grab of the screen: line i of frames.jsonl. `picture` says which picture of screen.mkv shows it."""

    index: Ns
    t0_ns: Ns
    """Read just before the grab; ns of CLOCK_MONOTONIC since the session's start."""
    t1_ns: Ns
    """Read just after the grab; the pixels are the screen somewhere in [t0, t1]."""
    changed: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
    """Share of pixels that differ from the frame before, 0..1."""
    box: tuple[Whole, Whole, Whole, Whole] | None = None
    """x, y, width, height in px of what changed."""
    cursor_x: Whole = -1
    cursor_y: Whole = -1
    """Pointer in px (terminals: the text cursor's centre); -1 where there is none."""
    cursor: str | None = None
    """The pointer's shape: an id in cursors.jsonl."""
    picture: Whole | None = None
    """The picture of screen.mkv that shows this frame; unchanged frames share one. None: the frame's own index."""
    redacted: bool = False
    """True for a frame left blank on purpose: something was hidden, or a password field had the focus."""
    dropped_before: Whole = 0
    """Ticks that should have been frames between the frame before and this one."""


class Action(Record):
    """One input event as the X server or the pty saw it."""

    seq: Whole
    t_ns: Ns
    """The X server's event time (desktop) or the write to the pty (terminal); ns since the session's start."""
    kind: ActionKind
    x: Whole | None = None
    y: Whole | None = None
    dx: Whole | None = None
    dy: Whole | None = None
    """Wheel clicks of a scroll: dy > 0 is up, dx > 0 is right."""
    button: str | None = None
    """left, middle, right, back, forward."""
    key: str | None = None
    """The visible character of the key ("a", "."), else its X keysym name ("Return", "space", "Shift_L", "KP_4",
    "dead_acute"); a key_up is named as its key_down; terminals: the key that makes the bytes."""
    keysym: Ns | None = None
    char: str | None = None
    """The text it types, if any: nothing for a dead key, "é" for the letter after it; terminals: the bytes sent, as
    text."""
    repeat: bool | None = None
    """True for a key_down of a key that is held: the system repeats it, nobody pressed it. Since 1.2; before, such
    presses look like others."""
    shortcut: str | None = Field(default=None, exclude=True)
    """Which letter or digit the key is in shortcuts, on whatever layout; never on disk."""
    redacted: bool = False
    """True for an input whose time is kept and whose identity is not: no key, no text, no place."""


class Intent(Record):
    """What the actor meant; logged apart from what the X server saw."""

    seq: Whole
    t_ns: Ns
    t_end_ns: Ns
    verb: str
    goal: str | None = None
    target: dict[str, Any] | None = None
    box: tuple[Whole, Whole, Whole, Whole] | None = None
    """The target element's box on the screen in px: x, y, width, height."""
    sent: dict[str, Count] = {}
    """Input events sent, by kind; what the reconciliation compares with actions.jsonl."""
    ok: bool = True
    note: str | None = None


class Event(Record):
    """Something that happened to the recording itself."""

    t_ns: Ns
    kind: EventKind
    """pause, resume: pixels and input stop and go on together; hide, show: both lose what they say but keep their
    times; sleep: the machine was suspended here; stop: the recording ended itself."""
    reason: str = ""
    """Who or what caused it: "hotkey", "page", "password field", "free space under 2 GiB"."""
    gap_ns: Ns = 0
    """sleep: how long the machine slept (CLOCK_MONOTONIC did not run meanwhile)."""


FOREVER_NS = 2**62


def pauses(events: Iterable[Event]) -> list[tuple[int, int]]:
    """The spans [begin, end) in ns in which nothing was recorded; the last may never end (`FOREVER_NS`)."""
    spans: list[tuple[int, int]] = []
    for event in events:
        if event.kind == "pause" and (not spans or spans[-1][1] <= event.t_ns):
            spans.append((event.t_ns, FOREVER_NS))
        elif event.kind == "resume" and spans and spans[-1][1] == FOREVER_NS:
            spans[-1] = (spans[-1][0], event.t_ns)
    return spans


class Cursor(Record):
    """A pointer's shape, stored once a session."""

    id: str
    width: Whole
    height: Whole
    hot_x: Whole
    hot_y: Whole
    argb: str
    """Base64 of height x width x 4 bytes, premultiplied, in the order B, G, R, A."""


class Spread(BaseModel):
    """How a measured time is spread, in ms."""

    model_config = ConfigDict(allow_inf_nan=False)

    p50: float
    p95: float
    p99: float
    max: float


class Clock(BaseModel):
    """The one clock of a session, anchored once to the wall."""

    source: ClockSource
    origin_monotonic_ns: Ns
    """CLOCK_MONOTONIC at the session's start; every *_ns counts from here."""
    wall_unix_ns: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    """Wall clock at that same moment, ns since 1970-01-01 UTC."""
    reasons: list[str] = []
    """Why these times cannot be fully trusted, if so."""


class TerminalLook(Record):
    """What a terminal's frames were drawn with, so that they can be drawn alike again."""

    theme: str | None = None
    """A theme by name; None: the cast's own, else the usual one."""
    cell: tuple[Whole, Whole] = (8, 16)
    """Width and height of a character cell in px."""
    fonts: list[str] = []
    """Font files in the order of their use, before the one that comes along."""
    fallback_fonts: list[str] | None = None
    """Font files for what the others lack; None: those that the machine has."""


class SessionManifest(BaseModel):
    """session.json: everything about a recording that is not a time series."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    schema_version: str = SCHEMA_VERSION
    recorder_version: str
    session_id: Id
    episode_id: Id
    state: Literal["recording", "complete"] = "recording"
    kind: Kind
    task_id: Id
    family: str
    goal: str
    parameters: dict[str, str] = {}
    actor: str
    """Who acted: "scripted", "random-fast", "tape", "human:<pseudonym>", "unknown"."""
    arm: str
    """The arm of the experiment that this session belongs to."""
    control: bool = False
    """Whether that arm is a control: nobody pursues a goal. Since 1.3; before, the arm's name says it."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    width: Whole
    height: Whole
    """Pixels of a frame."""
    fps: Annotated[float, Field(ge=MIN_FPS, le=MAX_FPS)]
    """The rate asked for; the true times are in frames.jsonl."""
    columns: Whole | None = None
    rows: Whole | None = None
    look: TerminalLook | None = None
    """Terminals: how the frames were drawn; None before they are, and in sessions of older releases."""
    cursor_in_pixels: bool = False
    capture: str | None = None
    """The back end that took the frames: "xserver" (timestamp, image, timestamp in one flush) or "mss"."""
    clock: Clock
    environment: Literal["docker", "local", "display", "import"]
    image: str | None = None
    image_digest: str | None = None
    outcome: Outcome = "unverified"
    outcome_detail: str = ""
    """What the check saw, or why the episode ended early."""
    duration_ns: Ns = 0
    frames: Count = 0
    actions: Count = 0
    dropped: Count = 0
    events: Count = 0
    bracket_ms: Spread | None = None
    """How long the grabs took: t1 - t0."""
    lateness_ms: Spread | None = None
    """How long after its tick each grab began."""
    input_lag_ms: Spread | None = None
    """From an input event's own time to the moment the recorder heard of it: the error of a callback's clock."""
    consent_id: str | None = None
    """The consent (consent.json) under which a person was recorded."""
    keep_ns: tuple[Ns, Ns] | None = None
    """What a review kept: only frames and actions inside [start, end] are packed."""
    invalid_reasons: list[str] = []
    """Why the session does not reconcile; empty for a valid one."""
    typed_in_clear: dict[str, Count] = {}
    """People: secrets typed where nothing hid them, by kind. Their keys are redacted; pictures may show them."""
    notes: list[str] = []
    """What else is worth knowing about this recording."""
    versions: dict[str, str] = {}


class SessionFolder:
    """Paths and documents of one session folder."""

    def __init__(self, path: Path, linked: bool = False) -> None:
        """`linked`: a link led here that nobody named, so the session is not read."""
        self.path = path
        self._linked = linked
        self.manifest_path = path / "session.json"
        self.screen = path / "screen.mkv"
        self.frames_path = path / "frames.jsonl"
        self.actions_path = path / "actions.jsonl"
        self.intents_path = path / "intents.jsonl"
        self.cast = path / "terminal.cast"
        self.events_path = path / "events.jsonl"
        self.cursors_path = path / "cursors.jsonl"
        self.consent_path = path / "consent.json"

    def read_manifest(self) -> SessionManifest:
        """session.json; `GoaltraceError` when it is missing, broken or of a newer major version."""
        self._require_own()
        if not self.manifest_path.is_file():
            raise GoaltraceError(
                f"{self.path}: not a session folder: session.json is missing; give a folder that record made"
            )
        data = read_versioned(self.manifest_path, "a session manifest")
        data = {"control": control_by_arm(data.get("arm"))} | data
        return parse_model(SessionManifest, data, self.manifest_path)

    def write_manifest(self, manifest: SessionManifest) -> None:
        write_json(self.manifest_path, manifest)

    def frames(self) -> list[Frame]:
        return read_jsonl(self._need(self.frames_path), Frame)

    def actions(self) -> list[Action]:
        return read_jsonl(self._need(self.actions_path), Action)

    def intents(self) -> list[Intent]:
        return read_jsonl(self.intents_path, Intent) if is_plain(self.intents_path) else []

    def events(self) -> list[Event]:
        return read_jsonl(self.events_path, Event) if is_plain(self.events_path) else []

    def cursors(self) -> list[Cursor]:
        return read_jsonl(self.cursors_path, Cursor) if is_plain(self.cursors_path) else []

    def _need(self, path: Path) -> Path:
        if not is_plain(path):
            raise GoaltraceError(f"{path}: missing; the session did not finish, record it again")
        return path

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that a session may have, there or not."""
        return (
            self.manifest_path, self.screen, self.frames_path, self.actions_path, self.intents_path, self.cast,
            self.events_path, self.cursors_path, self.consent_path,
        )  # fmt: skip

    def _require_own(self) -> None:
        """Links are not followed: what one leads to was not recorded here, and would be packed, shown or replaced."""
        if self._linked:
            raise GoaltraceError(f"{self.path}: a link, which is not followed; name the folder that it leads to")
        for path in self.files:
            if path.is_symlink() or (path.exists() and not is_plain(path)):
                raise GoaltraceError(f"{path}: a link, or no regular file; put the session's own file there")


def find_sessions(paths: list[Path]) -> list[SessionFolder]:
    """Session folders named by `paths`: each is a session, or a folder of sessions at any depth <= 3.

    Raises `GoaltraceError` for a path that is neither.
    """
    found: list[SessionFolder] = []
    for path in paths:
        if not path.is_dir():
            raise GoaltraceError(f"{path}: no such folder; give a session or a folder of sessions")
        if (path / "session.json").is_file():
            found.append(SessionFolder(path))
            continue
        below = sorted(p.parent for depth in ("*", "*/*", "*/*/*") for p in path.glob(f"{depth}/session.json"))
        if not below:
            raise GoaltraceError(f"{path}: no session.json in it or below; give a session or a folder of sessions")
        found.extend(SessionFolder(p, _through_a_link(p, path)) for p in below)
    return found


def _through_a_link(path: Path, root: Path) -> bool:
    return any(part.is_symlink() for part in (path, *path.parents) if root in part.parents)
