"""A session as packing reads it: all its documents, or the reason why it must be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from collector.recording.timing import BAD, timing_reasons
from manifests.consent import read_consent
from manifests.errors import GoaltraceError
from manifests.item_errors import one_item
from manifests.plain_text import one_line
from manifests.session import Action, Event, Frame, Intent, SessionFolder, SessionManifest
from manifests.videofile import picture_fits


@dataclass(frozen=True)
class RecordedSession:
    """All of a session but its video."""

    folder: SessionFolder
    manifest: SessionManifest
    frames: list[Frame]
    pictures: list[int]
    """Which picture of screen.mkv shows each frame."""
    actions: list[Action]
    """In order of time."""
    intents: list[Intent]
    events: list[Event]


def why_left_out(folder: SessionFolder, *, keep_bad_timing: bool = False) -> str | None:
    """Why this session must not be packed, as far as its documents say; None if it reconciles."""
    try:
        with one_item(folder.path):
            read_recorded_session(folder, keep_bad_timing=keep_bad_timing)
    except GoaltraceError as error:
        return one_line(str(error))
    return None


def read_recorded_session(folder: SessionFolder, *, keep_bad_timing: bool = False) -> RecordedSession:
    """Read a session; `GoaltraceError` with the reason when it must not be packed.

    One that did not keep up is judged by its logs, also where an older release has not judged it; kept, it says why
    not to trust it in `invalid_reasons`.
    """
    manifest = folder.read_manifest()
    if manifest.state != "complete":
        raise GoaltraceError("the recording did not finish")
    if not picture_fits(manifest.width, manifest.height):
        raise GoaltraceError(f"{folder.manifest_path}: {manifest.width}x{manifest.height} px is no picture of a screen")
    if manifest.outcome == "aborted":
        raise GoaltraceError(f"aborted: {manifest.outcome_detail}")
    invalid = [reason for reason in manifest.invalid_reasons if not reason.startswith(BAD)]
    if invalid:
        raise GoaltraceError("does not reconcile: " + "; ".join(invalid))
    _require_consent(folder, manifest)
    frames, actions = folder.frames(), folder.actions()
    if (len(frames), len(actions)) != (manifest.frames, manifest.actions):
        raise GoaltraceError(
            f"does not reconcile: session.json says {manifest.frames} frames and {manifest.actions} actions, "
            f"the logs hold {len(frames)} and {len(actions)}"
        )
    if len(frames) < 2:
        raise GoaltraceError(f"only {len(frames)} frames")
    if any(a.t1_ns > b.t0_ns for a, b in pairwise(frames)) or any(f.t0_ns > f.t1_ns for f in frames):
        raise GoaltraceError("does not reconcile: frame times run backwards")
    actions.sort(key=lambda action: action.t_ns)
    late = timing_reasons(manifest, frames, actions)
    if late and not keep_bad_timing:
        raise GoaltraceError("; ".join(late) + "; --keep-bad-timing packs it all the same")
    manifest = manifest.model_copy(update={"invalid_reasons": late})
    return RecordedSession(folder, manifest, frames, _pictures(frames), actions, folder.intents(), folder.events())


def _require_consent(folder: SessionFolder, manifest: SessionManifest) -> None:
    if not manifest.actor.startswith("human"):
        return
    if not folder.consent_path.is_file():
        raise GoaltraceError("a person was recorded and there is no consent.json")
    consent = read_consent(folder.consent_path)
    if consent.consent_id != manifest.consent_id:
        raise GoaltraceError(f"consent.json is {consent.consent_id}'s, the session says {manifest.consent_id}")


def _pictures(frames: Sequence[Frame]) -> list[int]:
    pictures = [number if frame.picture is None else frame.picture for number, frame in enumerate(frames)]
    for before, after in pairwise([-1, *pictures]):
        if after not in (before, before + 1) or after < 0:
            raise GoaltraceError(f"does not reconcile: picture {after} follows picture {before} in frames.jsonl")
    return pictures
