"""One entry makes an agent; nothing else knows their names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.agent_registry import AGENTS, AgentEntry, agent_entry
from collector.agents.terminal.base import TerminalAgent
from collector.episodes.spec import EpisodeSpec
from collector.runner.terminal import run_episode
from collector.shell.pty import Shell
from collector.shell.typist import Typist
from manifests.errors import GoaltraceError
from manifests.session import SessionFolder
from manifests.task import find_task

ROOT = Path(__file__).resolve().parents[2]


def spec_for(agent: str) -> EpisodeSpec:
    task = find_task("terminal-git-branch").instantiate(0)
    return EpisodeSpec.of(task, session_id="s" * 8, agent=agent, fps=5, environment="local", max_duration_s=20)


@pytest.mark.parametrize("entry", AGENTS.values(), ids=lambda entry: entry.name)
@pytest.mark.parametrize("kind", ["desktop", "terminal"])
def test_every_entry_names_what_can_be_loaded(
    entry: AgentEntry, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "desktop":  # pynput asks for a display as soon as it is imported
        monkeypatch.setenv("DISPLAY", request.getfixturevalue("xserver"))
    if entry.person or not entry.acts_on(kind):
        with pytest.raises(GoaltraceError, match=f"agent {entry.name}: does not act on {kind}s"):
            entry.load(kind)
        return
    acts = entry.load(kind)
    assert callable(getattr(acts, "act" if kind == "terminal" else "run"))


def test_an_agent_without_an_entry_is_refused_in_one_line() -> None:
    with pytest.raises(GoaltraceError, match=r"^agent 'robot': unknown; one of: scripted, .*$"):
        agent_entry("robot")
    written = spec_for("scripted").model_dump_json().replace('"agent":"scripted"', '"agent":"robot"')
    with pytest.raises((ValidationError, GoaltraceError), match="agent 'robot': unknown"):
        EpisodeSpec.model_validate_json(written)


def test_what_is_a_control_is_said_by_the_entry_and_not_by_a_name() -> None:
    assert spec_for("random-fast").control
    assert not spec_for("scripted").control


class Greeter(TerminalAgent):
    """All that a further agent takes."""

    def act(self, shell: Shell, typist: Typist) -> str | None:
        with typist.intent("greet", "say hello"):
            for key in ["e", "c", "h", "o", "space", "h", "i", "Return"]:
                typist.press(key)
        typist.sleep(0.5)
        return None


@pytest.mark.needs("bash", "git")
def test_a_further_agent_is_a_class_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = AgentEntry("greeter", arm="greeting", control=True, terminal=f"{__name__}:Greeter")
    monkeypatch.setitem(AGENTS, "greeter", entry)
    run_episode(spec_for("greeter"), tmp_path / "session")
    session = SessionFolder(tmp_path / "session")
    manifest = session.read_manifest()
    assert (manifest.arm, manifest.actor, manifest.invalid_reasons) == ("greeting", "greeter", [])
    assert [intent.goal for intent in session.intents()] == ["say hello"]
    assert [action.char for action in session.actions()] == [*"echo hi", "\r"]


def test_no_agent_is_known_by_its_name_outside_the_registry() -> None:
    """An `if agent == "..."` is a place that a further agent would have to be added to."""
    files = subprocess.run(["git", "ls-files", "collector"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = "|".join(re.escape(name) for name in AGENTS)
    compared = re.compile(rf"(agent|arm) *(==|!=|in) *\(?\"({names})\"")
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in files.stdout.split()
        if name.endswith(".py") and name != "collector/agent_registry.py" and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1)
        if compared.search(line)
    ]
    assert not found
