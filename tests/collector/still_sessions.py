"""Sessions whose screen stands still now and then, pauses and hides: made with the real encoder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.video.encoder import Encoder
from manifests.files import append_jsonl
from manifests.session import Action, Event, Frame, SessionFolder
from tests.collector.session_folders import TICK_NS, make_session

GRAB_NS = 2_000_000


def image(number: int) -> NDArray[np.uint8]:
    """The screen after its `number`-th change: no two alike within 40."""
    picture = np.full((48, 64, 3), 40, np.uint8)
    picture[8:40, 4 + number % 40 : 24 + number % 40] = (250, 30 + 5 * (number % 40), 20)
    return picture


def make_still_session(
    path: Path,
    ticks: Sequence[int],
    changed: Collection[int] | None = None,
    *,
    actions: Sequence[dict[str, Any]] = (),
    events: Sequence[tuple[float, str]] = (),
    redacted: Collection[int] = (),
    **changes: object,
) -> SessionFolder:
    """A session with a frame at each of `ticks` (in 1/15 s), the screen changing at those of them in `changed`.

    `actions` have `at`, and `events` their time, in ticks too. Nothing else is in it.
    """
    folder = make_session(path, frames=2, **changes)
    for log in (folder.frames_path, folder.actions_path, folder.intents_path):
        log.unlink()
    frames, number = [], 0
    with Encoder(folder.screen, 64, 48) as encoder:
        for index, tick in enumerate(ticks):
            new = changed is None or tick in changed or index == 0
            number += new
            t0 = tick * TICK_NS
            shown = encoder.show(image(number).tobytes(), t0 + GRAB_NS, changed=new)
            frames.append(
                Frame(index=index, t0_ns=t0, t1_ns=t0 + GRAB_NS, changed=0.1 if new else 0.0, picture=shown,
                      redacted=tick in redacted, cursor_x=5, cursor_y=6)
            )  # fmt: skip
    append_jsonl(folder.frames_path, frames)
    fields = [{key: value for key, value in action.items() if key != "at"} for action in actions]
    times = [round(action["at"] * TICK_NS) for action in actions]
    append_jsonl(
        folder.actions_path,
        [Action(seq=n, t_ns=t, **field) for n, (t, field) in enumerate(zip(times, fields, strict=True))],
    )
    append_jsonl(folder.events_path, [Event(t_ns=round(at * TICK_NS), kind=kind) for at, kind in events])  # type: ignore[arg-type]
    counts = {"frames": len(frames), "actions": len(actions), "events": len(events)}
    folder.write_manifest(folder.read_manifest().model_copy(update=counts))
    return folder
