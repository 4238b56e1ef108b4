"""The clip schema: one Parquet row is one clip, and it stands alone.

A clip is 5-10 s of closed-GOP video in one `datasets.Video` column plus list columns that say when each
frame was taken and which actions fall between frames. `EVENTS_SCHEMA` is the same without the video.

The video holds each picture once, for as long as it was on the screen: frame i is picture `picture[i]`, which is
also what a player shows at `pts[i]`. Since 1.1; in a clip of 1.0 frame i is picture i. Since 1.2 an action says whether
it is a repetition of a held key; before, nobody knows, and it counts as a press. Since 1.3 a clip says whether its arm
is a control.

Each column stands once, in one of the parts that make an `EventRow`: its type, what it means, its bounds, and what is
in its place in older data. The schemas, the Hub's features, `manifests.older` and `manifests.validate` read it there.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from manifests.columns import (
    FINITE,
    Binary,
    Column,
    Flag,
    Float32,
    Int32,
    Int64,
    Older,
    Text,
    arrow_type,
    extras,
    required,
    schema_of,
)
from manifests.session import MAX_FPS, MIN_FPS
from manifests.versions import control_by_arm
from manifests.videofile import MAX_SIDE_PX

PTS_PER_SECOND = 90_000
LONGEST_NS = 2**62
"""Times of frames lie within it on both sides of 0, so that differences and sums of them are 64 bits wide."""


class ClipAction(TypedDict):
    """One input event of a clip; what its kind does not have is None."""

    t_ns: Int64
    """The session's clock."""
    slot: Int32
    """Slot i lies between frames i and i+1 of this clip; see `manifests.slots`."""
    ambiguous: Flag
    """Fell inside a grab: that frame may or may not show the effect."""
    kind: Text
    """`manifests.session.ActionKind`."""
    x: Int32 | None
    y: Int32 | None
    dx: Int32 | None
    dy: Int32 | None
    button: Text | None
    key: Text | None
    char: Text | None
    redacted: Flag
    repeat: Annotated[Flag | None, Older("1.2", lambda _: False)]
    """A held key that the system presses again."""


class ClipVideo(TypedDict):
    """A clip's video: MP4, and the name that it would have as a file."""

    bytes: Binary
    path: Text | None


_WHICH = Column("which clip this is, and of what")
_ID = Column(_WHICH.meaning, is_id=True)
_WRITER = Column("what wrote it")
_TASK = "what was to be done; free text"
_HAPPENS = Column(
    "what happens in the clip: terminals by commands, outputs and results; desktops by sub-goals, in detail by actions "
    "and what they hit"
)
_WHO = Column("who acted, for which arm of the experiment, from which seed")
_WHERE = Column("where it ran; where the action times come from")
_SIZE = "px of a frame; frames a second asked for (the true times are `t0_ns`, `t1_ns`)"
_GRAB = Column(
    "per frame: the pixels are the screen somewhere in [t0, t1], ns since the session's start", per_frame=True
)
_POINTER = Column("per frame: pointer (terminals: text cursor), px; -1 for none", per_frame=True)
_START = Column("what was held, and where the pointer was, at the first frame")
_BRACKET = Column("`t1 - t0`", within=FINITE)
_LOSS = "longest time between two frames; frames that the recorder had to drop"


class ClipIdentity(TypedDict):
    """What a clip is of: of which session, task and arm, and what happens in it."""

    clip_id: Annotated[Text, _ID]
    session_id: Annotated[Text, _ID]
    episode_id: Annotated[Text, _ID]
    schema_version: Annotated[Text, _WRITER]
    recorder_version: Annotated[Text, _WRITER]
    kind: Annotated[Text, Column("`desktop` or `terminal`")]
    task_id: Annotated[Text, Column(_TASK, is_id=True)]
    family: Annotated[Text, Column(_TASK)]
    goal: Annotated[Text, Column(_TASK)]
    caption_short: Annotated[Text, _HAPPENS, Older("1.1", lambda _: "")]
    caption: Annotated[Text, _HAPPENS]
    caption_detailed: Annotated[Text, _HAPPENS, Older("1.1", lambda _: "")]
    actor: Annotated[Text, _WHO]
    arm: Annotated[Text, _WHO]
    control: Annotated[
        Flag, Column("whether that arm is a control: nobody pursues a goal"), Older("1.3", control_by_arm, of="arm")
    ]
    outcome: Annotated[Text, Column("`success`, `failure`, `aborted` or `unverified`: what the task's check saw")]
    environment: Annotated[Text, _WHERE]
    clock_source: Annotated[Text, _WHERE]
    clip_index: Annotated[Int32, Column(_WHICH.meaning, within=(0, 2**31))]
    seed: Annotated[Int64, _WHO]


class ClipGeometry(TypedDict):
    """A clip's size and rate."""

    width: Annotated[Int32, Column(_SIZE, within=(1, MAX_SIDE_PX))]
    height: Annotated[Int32, Column(_SIZE, within=(1, MAX_SIDE_PX))]
    fps: Annotated[Float32, Column(_SIZE, within=(0.99 * MIN_FPS, MAX_FPS))]
    duration_ns: Annotated[Int64, Column("from the first frame's `t1_ns` to the last frame's", within=(0, LONGEST_NS))]
    cursor_in_pixels: Annotated[Flag, Column("whether the pointer is drawn in the video")]


class ClipFrames(TypedDict):
    """Lists with one entry a frame, but for the last, which has one a picture."""

    t0_ns: Annotated[list[Int64], _GRAB]
    t1_ns: Annotated[list[Int64], _GRAB]
    pts: Annotated[list[Int64], Column("per frame: when the video shows it, 1/90000 s", per_frame=True)]
    picture: Annotated[
        list[Int32],
        Column(
            "per frame: which picture of the video shows it; an unchanged screen is stored once, so pictures repeat",
            per_frame=True,
        ),
        Older("1.1", lambda t1_ns: list(range(len(t1_ns)))),
    ]
    frame_redacted: Annotated[
        list[Flag],
        Column("per frame: left blank on purpose", per_frame=True),
        Older("1.1", lambda t1_ns: [False] * len(t1_ns)),
    ]
    changed: Annotated[
        list[Float32], Column("per frame: share of pixels that differ from the frame before, 0..1", per_frame=True)
    ]
    cursor_x: Annotated[list[Int32], _POINTER]
    cursor_y: Annotated[list[Int32], _POINTER]
    screen_text: Annotated[
        list[Text],
        Column("per picture: the text that it shows, row by row; `''` for a blank one; none for desktops"),
        Older("1.1", lambda _: []),
    ]


class ClipActions(TypedDict):
    """The actions, and the state that they start from."""

    actions: Annotated[
        list[ClipAction],
        Column(
            "input events; slot i lies between frames i and i+1, `ambiguous` where the event fell inside a grab, "
            "`repeat` where the system pressed a held key again"
        ),
    ]
    start_keys: Annotated[list[Text], _START]
    start_buttons: Annotated[list[Text], _START]
    start_x: Annotated[Int32, _START]
    start_y: Annotated[Int32, _START]


class ClipQuality(TypedDict):
    """How far the times can be trusted, and how much happens."""

    bracket_p50_ms: Annotated[Float32, _BRACKET]
    bracket_p95_ms: Annotated[Float32, _BRACKET]
    bracket_max_ms: Annotated[Float32, _BRACKET]
    gap_max_ms: Annotated[Float32, Column(_LOSS, within=FINITE)]
    dropped: Annotated[Int32, Column(_LOSS, within=(0, 2**31))]
    changed_ratio: Annotated[Float32, Column("share of frames in which anything changed", within=FINITE)]
    invalid_reasons: Annotated[list[Text], Column("why the times cannot be fully trusted; empty for a valid clip")]


class EventRow(ClipIdentity, ClipGeometry, ClipFrames, ClipActions, ClipQuality):
    """A clip without its video: a row of the config `events`."""


class ClipRow(EventRow):
    """A clip: a row of the config `clips`."""

    video: Annotated[ClipVideo, Column("`clips` only: MP4, H.264 4:4:4, closed groups of 1 s", nullable=True)]


COLUMNS = extras(ClipRow, Column)
OLDER = extras(ClipRow, Older)
"""Columns that older versions did not have."""
ACTION_TYPE = arrow_type(ClipAction)
OLDER_FIELDS = extras(ClipAction, Older)
"""Fields of an action that older versions did not have."""
REQUIRED_FIELDS = required(ClipAction)
EVENTS_SCHEMA = schema_of(EventRow, hub={})
CLIPS_SCHEMA = schema_of(ClipRow, hub={"video": {"_type": "Video"}})
