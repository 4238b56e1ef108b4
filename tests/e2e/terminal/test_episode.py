"""Episodes in a real shell: each built-in task reaches its goal, and each way to end leaves a session that says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from collector.episodes.spec import EpisodeSpec
from collector.recording.session import reconcile
from collector.runner.terminal import run_episode
from collector.terminal.cast import open_cast
from collector.terminal.keys import key_name
from collector.terminal.render import render_session
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder
from manifests.slots import assign_slots
from manifests.task import builtin_tasks, load_task

ROOT = Path(__file__).resolve().parents[3]
TASKS = {name: path for name, path in builtin_tasks().items() if load_task(path).kind == "terminal"}
AT_A_PERSONS_PACE = (  # a kind of program each; test_terminal_tasks_e2e.py runs all of them, faster
    "terminal-change-setting", "terminal-git-branch", "terminal-heredoc-script", "terminal-into-background",
    "terminal-python-sum", "terminal-read-log-answer", "terminal-serve-and-fetch", "terminal-sqlite-total",
    "terminal-stop-runaway", "terminal-vim-shopping-list",
)  # fmt: skip
TOOLS = sorted({tool for name in AT_A_PERSONS_PACE for tool in load_task(TASKS[name]).requires})
RETURN = {"key": "Return"}
PROMPT = {"wait_prompt": True}


def start(spec: EpisodeSpec, folder: Path) -> subprocess.Popen[str]:
    path = folder.with_suffix(".json")
    path.write_text(spec.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-m", "collector.runner", str(path), str(folder)], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"TMPDIR": str(folder.parent)},
    )  # fmt: skip


def homes(folder: Path) -> list[Path]:
    return list(folder.glob("goaltrace-*"))


@pytest.mark.needs("ffmpeg", *TOOLS)
def test_tasks_reach_their_goals_at_a_person_s_pace(tmp_path: Path) -> None:
    """All at once, each a process of its own: they mostly wait for the typist."""

    def record(name: str) -> tuple[str, int, str]:
        spec = EpisodeSpec.of(
            load_task(TASKS[name]).instantiate(11), session_id=name, agent="scripted", fps=15, environment="local"
        )
        process = start(spec, tmp_path / name)
        _, errors = process.communicate()
        return name, process.returncode, errors

    with ThreadPoolExecutor(len(AT_A_PERSONS_PACE)) as pool:
        for name, code, errors in pool.map(record, AT_A_PERSONS_PACE):
            assert code == 0, f"{name}: {errors}"
    for name in AT_A_PERSONS_PACE:
        folder = SessionFolder(tmp_path / name)
        manifest = folder.read_manifest()
        assert (manifest.state, manifest.outcome) == ("complete", "success"), f"{name}: {manifest.outcome_detail}"
        assert manifest.invalid_reasons == [] == reconcile(folder.actions(), folder.intents())
        assert 10e9 < manifest.duration_ns < 100e9
        events = list(open_cast(folder.cast).events())
        assert [event.data for event in events if event.code == "i"] == [action.char for action in folder.actions()]
        assert events[-1].code == "x"
        output = "".join(event.data for event in events if event.code == "o")
        for mark in "ABCD":
            assert f"\x1b]133;{mark}" in output
    check_rendered(SessionFolder(tmp_path / "terminal-git-branch"))


def check_rendered(folder: SessionFolder) -> None:
    """No frame shows a key's echo before the slot that holds the key."""
    render_session(folder, 15)
    frames, actions = folder.frames(), folder.actions()
    assert folder.read_manifest().frames == len(frames) > 150
    slots = assign_slots([f.t0_ns for f in frames], [f.t1_ns for f in frames], [a.t_ns for a in actions])
    letters = [slot.slot for slot, action in zip(slots, actions, strict=True) if action.char and action.char.isalnum()]
    followed = sum(any(frames[i].changed for i in range(slot + 1, min(slot + 3, len(frames)))) for slot in letters)
    assert followed >= 0.95 * len(letters), "a letter typed is seen within two frames"
    before_any_key = frames[1 : min(slot.slot for slot in slots) + 1]
    assert sum(frame.changed > 0 for frame in before_any_key) <= 1, "only the prompt comes before the first key"


def test_a_killed_recorder_leaves_a_readable_session(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    spec = make_spec({"type": "echo one two three four five six seven eight nine ten"}, RETURN, PROMPT)
    process = start(spec, tmp_path / "s")
    folder = SessionFolder(tmp_path / "s")
    deadline = time.monotonic() + 30
    while not folder.actions_path.exists() or folder.actions_path.read_bytes().count(b"\n") < 12:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    actions = folder.actions()
    assert len(actions) >= 12
    events = list(open_cast(folder.cast).events())
    typed = "".join(event.data for event in events if event.code == "i")
    assert typed.startswith("".join(action.char or "" for action in actions))
    assert folder.read_manifest().state == "recording"


def test_a_stop_from_the_host_ends_the_session_cleanly(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    process = start(make_spec({"type": "sleep 60"}, RETURN, {"pause": 25}), tmp_path / "s")
    assert process.stdout is not None and "step" in process.stdout.readline()
    assert len(homes(tmp_path)) == 1
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    folder = SessionFolder(tmp_path / "s")
    manifest = folder.read_manifest()
    assert (manifest.state, manifest.outcome) == ("complete", "aborted")
    assert "KeyboardInterrupt" in manifest.outcome_detail
    assert list(open_cast(folder.cast).events())[-1].code == "x"
    assert homes(tmp_path) == [], "the episode's home is removed"


def test_time_up_aborts_with_the_reason(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    manifest = run_episode(make_spec({"type": "sleep 60"}, RETURN, PROMPT, max_duration_s=4), tmp_path / "s")
    assert (manifest.state, manifest.outcome, manifest.outcome_detail) == (
        "complete",
        "aborted",
        "the episode's time is up",
    )
    assert manifest.duration_ns < 8e9


def test_a_shell_that_ends_aborts_with_the_reason(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    manifest = run_episode(make_spec({"type": "exit 3"}, RETURN, PROMPT, {"type": "ls"}), tmp_path / "s")
    assert (manifest.outcome, manifest.outcome_detail) == ("aborted", "the shell ended")
    assert manifest.invalid_reasons == []
    assert list(open_cast(tmp_path / "s" / "terminal.cast").events())[-1].data == "3", "with its exit status"


def test_output_without_end_aborts_before_the_disk_is_full(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    manifest = run_episode(
        make_spec({"type": "yes | tr -d '\\n'"}, RETURN, {"pause": 60}, max_duration_s=120), tmp_path / "s"
    )
    assert (manifest.outcome, manifest.outcome_detail) == ("aborted", "more than 64 MiB of output")
    assert (tmp_path / "s" / "terminal.cast").stat().st_size < 80 * 2**20


def test_a_check_that_fails_is_a_failure_with_what_was_seen(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    spec = make_spec(
        {"type": "echo here > a.txt"}, RETURN, PROMPT, setup=["echo there > b.txt"],
        check=[{"path": "~/b.txt", "equals": "there"}, {"path": "a.txt", "contains": "elsewhere"}],
    )  # fmt: skip
    manifest = run_episode(spec, tmp_path / "s")
    assert manifest.outcome == "failure"
    assert manifest.outcome_detail == "check 2: a.txt holds 'here\\n', which lacks 'elsewhere'"


def test_text_split_between_reads_is_whole_in_the_cast(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    """A character's bytes may come apart: é is 0xc3 0xa9."""
    spec = make_spec({"type": r"printf '\303'; sleep 0.3; printf '\251\377|\n'"}, RETURN, PROMPT)
    run_episode(spec, tmp_path / "s")
    events = list(open_cast(tmp_path / "s" / "terminal.cast").events())
    assert "\r\n\x1b]133;C\x07é\ufffd|\r\n" in "".join(event.data for event in events if event.code == "o")


@pytest.mark.parametrize(
    ("task", "says"),
    [({"requires": ["sed", "no-such-tool"]}, "needs no-such-tool"), ({"setup": ["echo oh; exit 4"]}, "exited 4: oh")],
)
def test_what_cannot_start_says_why_and_records_nothing(tmp_path: Path, make_spec, task, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(GoaltraceError, match=says):
        run_episode(make_spec(**task), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_the_users_own_settings_are_not_seen(tmp_path: Path, make_spec, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("SECRET_TOKEN", "do-not-show")
    monkeypatch.setenv("PS1", "mine> ")
    spec = make_spec(
        {"type": "env > env.txt; alias > alias.txt; pwd > pwd.txt"}, RETURN, PROMPT,
        check=[{"run": "! grep -q do-not-show env.txt"}, {"run": "test \"$(cat pwd.txt)\" = \"$HOME\""},
               {"run": "grep -q ^TERM=xterm-256color env.txt"}],
    )  # fmt: skip
    manifest = run_episode(spec, tmp_path / "s")
    assert manifest.outcome == "success", manifest.outcome_detail
    cast = (tmp_path / "s" / "terminal.cast").read_text()
    assert "mine> " not in cast and "do-not-show" not in cast


def test_keys_are_logged_by_name_before_their_echo(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    run_episode(make_spec({"type": "echo a/b"}, RETURN, PROMPT), tmp_path / "s")
    folder = SessionFolder(tmp_path / "s")
    actions = [action for action in folder.actions() if action.char]
    assert all(action.kind == "key" for action in actions)
    assert {action.key for action in actions} >= {"e", "space", "slash", "Return"}
    assert all(action.key == key_name(action.char or "") for action in actions if action.key != "BackSpace")
    events = list(open_cast(folder.cast).events())
    inputs = [event.t_ns for event in events if event.code == "i"]
    assert all(0 <= logged - action.t_ns < 1000 for logged, action in zip(inputs, actions, strict=True))
    first = next(position for position, event in enumerate(events) if event.code == "i")
    pressed, echoed = Counter[str](), Counter[str]()
    for event in events[first : next(i for i, event in enumerate(events) if event.data == "\r")]:
        (pressed if event.code == "i" else echoed).update(char for char in event.data if char in "echoab")
        assert echoed <= pressed, "the echo comes after its key"
    assert pressed.total() >= len("echoab")


def test_progress_is_told_line_by_line(tmp_path: Path, make_spec, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    run_episode(make_spec({"say": "list", "type": "ls"}, RETURN, PROMPT), tmp_path / "s")
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["number"], line["goal"]) for line in told if line["event"] == "step"] == [
        (1, "list"),
        (2, "list"),
        (3, "list"),
    ]


def test_nothing_of_the_episode_stays_running(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    marker = f"3{os.getpid()}"
    run_episode(make_spec({"type": f"sleep {marker} & sleep {marker}"}, RETURN, {"pause": 0.5}), tmp_path / "s")
    until = time.monotonic() + 15
    while f"sleep {marker}" in running():
        assert time.monotonic() < until
        time.sleep(0.1)


def running() -> list[str]:
    said = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in said.splitlines()]
