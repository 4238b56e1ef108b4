"""A line that a program reads without showing it is a secret: its keys are sent, and in no file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from collector.episodes.spec import EpisodeSpec
from collector.importers.cast.actions import actions_of
from collector.recording.session import Recording, reconcile
from collector.shell.home import fresh_home
from collector.shell.pty import Shell
from collector.terminal.cast import open_cast
from manifests.session import SessionFolder
from manifests.task import find_task

_PASSWORD = "correct-Horse7"
_LENGTH = "it has 14"
_ASKING = {
    "bash": "read -s -p 'name? ' x; echo it has ${#x}",
    "getpass": f"{sys.executable} -c \"import getpass; print('it has', len(getpass.getpass('? ')))\"",
    "stty": "stty -echo; read x; stty echo; echo it has ${#x}",
}


@pytest.mark.parametrize("asking", _ASKING)
def test_what_is_read_unseen_is_sent_and_not_logged(tmp_path: Path, asking: str) -> None:
    task = find_task("terminal-find-largest-file").instantiate(0)
    spec = EpisodeSpec.of(task, session_id="r", agent="scripted", fps=15, environment="local", min_free_bytes=0)
    with fresh_home() as home:
        recording = Recording(tmp_path, spec, clock="pty", width=640, height=384, cursor_in_pixels=True, versions={})
        with recording:
            shell = Shell(home, recording)
            assert shell.marks.wait_prompt(0, 10)
            _say(shell, _ASKING[asking], wait=1.0)
            for key in (*_PASSWORD[:5], "x", "BackSpace", *_PASSWORD[5:], "Return"):
                shell.press(key)
            time.sleep(0.7)
            _say(shell, "echo seen")
            shell.close()
            recording.end("success", "")
    folder = SessionFolder(tmp_path)
    assert _PASSWORD not in folder.actions_path.read_text(encoding="utf-8") + folder.cast.read_text(encoding="utf-8")
    events = list(open_cast(folder.cast).events())
    typed = "".join(event.data for event in events if event.code == "i")
    assert f"\r{'•' * (len(_PASSWORD) + 2)}\recho seen\r" in typed and _PASSWORD[:4] not in typed
    assert _LENGTH in "".join(event.data for event in events if event.code == "o")
    actions = folder.actions()
    assert sum(action.redacted for action in actions) == len(_PASSWORD) + 2
    assert not any(action.key or action.char for action in actions if action.redacted)
    again = [made for event in events for made in actions_of(event, 0, masked=True)]
    assert [(a.key, a.char, a.redacted) for a in again] == [(a.key, a.char, a.redacted) for a in actions]
    assert reconcile(actions, []) == [f"key: 0 sent, {len(actions)} seen"]


def _say(shell: Shell, line: str, wait: float = 0.5) -> None:
    for key in (*line, "Return"):
        shell.press(key)
    time.sleep(wait)
