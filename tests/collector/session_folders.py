"""Small session folders with a real video, for tests of what reads them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from collector.video.encoder import Encoder
from manifests.files import append_jsonl
from manifests.session import Action, Clock, Frame, Intent, SessionFolder, SessionManifest

TICK_NS = 66_666_667


def make_session(path: Path, frames: int = 160, tint: int = 60, **changes: object) -> SessionFolder:
    """`frames` frames at 15 fps; an "a" is held from frame 70 to 80, a click falls between frames 20 and 21."""
    path.mkdir(parents=True)
    folder = SessionFolder(path)
    with Encoder(folder.screen, 64, 48) as encoder:
        for i in range(frames):
            image = np.zeros((48, 64, 3), np.uint8)
            image[:, : i % 64] = (i % 256, 200, tint)
            encoder.show(image.tobytes(), i * TICK_NS + 2_000_000)
    append_jsonl(
        folder.frames_path,
        (
            Frame(index=i, t0_ns=i * TICK_NS, t1_ns=i * TICK_NS + 2_000_000, changed=0.1, cursor_x=i % 64, cursor_y=5)
            for i in range(frames)
        ),
    )
    events = [
        (20.5, "button_down", {"button": "left", "x": 3, "y": 5}),
        (20.7, "button_up", {"button": "left", "x": 3, "y": 5}),
        (70.5, "key_down", {"key": "a", "char": "a"}),
        (80.5, "key_up", {"key": "a", "char": "a"}),
        (frames + 3.0, "scroll", {"dx": 0, "dy": -1}),
    ]
    append_jsonl(
        folder.actions_path,
        (
            Action(seq=n, t_ns=round(at * TICK_NS), kind=kind, **fields)  # type: ignore[arg-type]
            for n, (at, kind, fields) in enumerate(events, start=1)
        ),
    )
    sent = {"button_down": 1, "button_up": 1, "key_down": 1, "key_up": 1, "scroll": 1}
    append_jsonl(
        folder.intents_path, [Intent(seq=0, t_ns=0, t_end_ns=TICK_NS * 30, verb="click", goal="Press it", sent=sent)]
    )
    manifest = SessionManifest(
        recorder_version="0.1.0",
        session_id=path.name,
        episode_id=path.name,
        state="complete",
        kind="desktop",
        task_id="test-task",
        family="test",
        goal="Press the button",
        actor="scripted",
        arm="scripted",
        seed=1,
        width=64,
        height=48,
        fps=15,
        clock=Clock(source="xserver", origin_monotonic_ns=1, wall_unix_ns=2),
        environment="docker",
        outcome="success",
        duration_ns=frames * TICK_NS,
        frames=frames,
        actions=5,
    )
    folder.write_manifest(manifest.model_copy(update=changes))
    return folder


def make_new(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a log had been written a moment ago; the moment is long enough for a machine that stalls."""
    os.utime(path)
    monkeypatch.setattr("collector.recording.live.RECENT_S", 600)


def make_old(folder: SessionFolder, seconds: float = 3600) -> None:
    """As if its files had last been written a while ago: no recorder is at work on it."""
    for path in folder.path.iterdir():
        os.utime(path, (time.time() - seconds,) * 2)
