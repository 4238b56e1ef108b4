"""Recording and packing from Python: typed results, progress by callback, nothing printed, and a clean end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import goaltrace
from collector.campaign import STOPPED, EpisodeResult
from collector.episodes.spec import EpisodeSpec
from collector.human.consent import TEXT_VERSION
from goaltrace import GoaltraceError, Progress
from manifests.clip_io import ClipReader
from manifests.session import SessionFolder
from manifests.task import TaskManifest
from manifests.versions import SCHEMA_VERSION


def task(name: str, *script: dict[str, object]) -> TaskManifest:
    """A terminal task of a few keys."""
    about = {"schema_version": SCHEMA_VERSION, "id": name, "kind": "terminal", "family": "files", "timeout_s": 60}
    check = [{"path": "~/note.txt", "equals": "hello"}]
    return TaskManifest.model_validate(
        about | {"goal": "Write hello into ~/note.txt.", "script": list(script), "check": check}
    )


NOTE = task("terminal-a-note", {"type": "echo hello > ~/note.txt"}, {"key": "Return"}, {"wait_prompt": True})
WAIT = task("terminal-a-wait", {"pause": 50.0})


@pytest.mark.needs("ffmpeg")
def test_a_terminal_is_recorded_and_packed_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    received: list[Progress] = []
    ended: list[EpisodeResult] = []
    options = {"out": tmp_path / "sessions", "env": "local", "fps": 10, "on_result": ended.append}
    done = goaltrace.record(NOTE, **options, on_progress=received.append)
    assert [(e.episode_id, e.outcome, e.reused) for e in done.episodes] == [
        ("terminal-a-note-scripted-0000", "success", False)
    ]
    assert tuple(ended) == done.episodes and not done.aborted and done.consent_id is None
    assert (received[0].done, received[-1].done, received[-1].total, received[-1].unit) == (0, 1, 1, "episode")
    assert goaltrace.record([NOTE], **options).episodes[0].reused, "what is complete is not recorded again"

    assert goaltrace.plan_packing(done.out) == {done.out / "terminal-a-note-scripted-0000": None}
    received.clear()
    packed = goaltrace.pack(done.out, out=tmp_path / "set", on_progress=received.append)
    assert (packed.manifest.counts.sessions, packed.manifest.left_out) == (1, [])
    assert packed.manifest.counts.clips == len(ClipReader(packed.out).index()) >= 1
    assert [(progress.work, progress.done, progress.total) for progress in received] == [
        ("packing", 0, 1),
        ("packing", 1, 1),
    ]
    assert capfd.readouterr() == ("", "")


def test_a_plan_writes_nothing_and_names_every_episode(tmp_path: Path) -> None:
    specs = goaltrace.plan_recording([NOTE, "terminal-set-variable"], episodes=2, seed=7)
    assert [spec.episode_id for spec in specs] == [
        f"{task}-scripted-{seed:04d}" for seed in (7, 8) for task in ("terminal-a-note", "terminal-set-variable")
    ]
    assert goaltrace.plan_recording(NOTE, max_duration_s=5)[0].max_duration_s == 5


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda out: goaltrace.record([], out=out, env="local"), "which task"),
        (lambda out: goaltrace.record("no-such-task", out=out, env="local"), "unknown"),
        (lambda out: goaltrace.record(NOTE, out=out, env="local", fps=1000), "--fps: 1000 is not between 1 and 60"),
        (lambda out: goaltrace.record(NOTE, out=out, env="local", workers=0), "--workers"),
        (lambda out: goaltrace.record(NOTE, out=out, env="moon"), "--env: 'moon' is none of: docker, local"),
        (lambda out: goaltrace.record(NOTE, out=out, agent="human"), "--agent: 'human'"),
        (lambda out: goaltrace.record(NOTE, out=out, env="local", capture="film"), "--capture"),
        (lambda out: goaltrace.record("desktop-editor-note", out=out, env="local"), "--env docker"),
        (lambda out: goaltrace.pack(out, out=out / "set"), "no such folder"),
        (lambda out: goaltrace.pack(out, out=out / "set", clip_s=0), "--clip-seconds: 0 is not between 1 and 600"),
        (lambda out: goaltrace.import_tapes(out / "a.tape", out=out, workers=0), "--workers"),
        (lambda out: goaltrace.import_casts(out, out=out, fps=0), "--fps: 0 is out of range"),
        (lambda out: goaltrace.import_neuralcomputer(out, out=out), "no such folder"),
        (lambda out: goaltrace.plan_own_screen(goaltrace.OwnScreenOptions(out=out)), "what are you going to do"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line_and_writes_nothing(
    tmp_path: Path, call: Callable[[Path], object], complaint: str
) -> None:
    with pytest.raises(GoaltraceError, match=complaint) as refused:
        call(tmp_path / "out")
    assert "\n" not in str(refused.value) and not (tmp_path / "out").exists()


@pytest.mark.needs("ffmpeg")
def test_a_callback_that_interrupts_ends_the_other_sessions_cleanly(tmp_path: Path) -> None:
    ended: list[EpisodeResult] = []

    def first(result: EpisodeResult) -> None:
        ended.append(result)
        if len(ended) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        goaltrace.record([NOTE, WAIT], out=tmp_path, env="local", workers=2, fps=5, on_result=first)
    assert [result.outcome for result in ended] == ["success", "aborted"]
    manifest = SessionFolder(tmp_path / "terminal-a-wait-scripted-0000").read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")


class Waiting:
    """An environment in which an episode says one thing and lasts until it is stopped."""

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def prepare(self, kinds: set[str]) -> None: ...

    def describe(self, spec: EpisodeSpec) -> EpisodeSpec:
        return spec

    def run(self, spec: EpisodeSpec, folder: Path, report: Callable[[dict[str, Any]], None]) -> int:
        report({"event": "warning", "text": "slow"})
        assert self.stopped.wait(30)
        raise GoaltraceError("ended")

    def stop_all(self) -> None:
        self.stopped.set()

    def remove_all(self) -> None: ...


def test_callbacks_run_in_the_callers_thread_and_whatever_they_raise_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Waiting()
    monkeypatch.setattr("collector.record.environment_of", lambda name, system, note: environment)
    threads, ended = set(), []

    def received(progress: Progress) -> None:
        threads.add(threading.current_thread())
        if progress.message:
            raise ValueError(progress.message)

    with pytest.raises(ValueError, match=r"warning: terminal-a-note-scripted-000[01]: slow"):
        goaltrace.record(
            NOTE, out=tmp_path, episodes=2, workers=2, min_free_gib=0, on_progress=received, on_result=ended.append
        )
    assert threads == {threading.current_thread()} and environment.stopped.is_set()
    assert {result.detail for result in ended} <= {"ended", STOPPED} and len(ended) == 2


class Person:
    """A person who is not at a terminal."""

    def __init__(self, agrees: bool) -> None:
        self._agrees = agrees
        self._began = threading.Event()
        self.received: list[str] = []

    def agrees(self, question: goaltrace.ConsentQuestion) -> bool:
        self.received.append(question.version)
        assert "What is recorded" in question.text and question.passwords()
        return self._agrees

    def orders(self) -> Iterator[goaltrace.Order]:
        assert self._began.wait(30)
        time.sleep(1)
        yield "pause"
        time.sleep(1)

    def recording(self, goal: str, hotkey: str) -> None:
        self.received.append(f"{goal} ({hotkey})")
        self._began.set()

    def view(self, view: str) -> None:
        self.received.append(view)

    def warning(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...


@pytest.mark.needs("xvfb", "ffmpeg")
def test_a_person_is_recorded_through_a_dialogue_of_the_callers(
    xserver: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = goaltrace.OwnScreenOptions(out=tmp_path / "out", goal="Write a letter", display=xserver, min_free_gib=0)
    with pytest.raises(GoaltraceError, match="not agreed to: nothing was recorded"):
        goaltrace.record_own_screen(options, Person(agrees=False))
    assert not options.out.exists()

    person = Person(agrees=True)
    done = goaltrace.record_own_screen(options, person)
    assert person.received == [TEXT_VERSION, "Write a letter (ctrl+alt+p)", "open", "paused"]
    (episode,) = done.episodes
    session = SessionFolder(done.out / episode.episode_id)
    manifest = session.read_manifest()
    assert (manifest.consent_id, manifest.outcome, episode.outcome) == (done.consent_id, *["unverified"] * 2)
    assert session.path.stat().st_mode & 0o777 == 0o700
    assert capfd.readouterr() == ("", "")
