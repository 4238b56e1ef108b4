"""The registry of agents: one entry each, which names the classes below `collector/agents/` that act.

A further agent is a module and an entry (docs/extending.md); an agent without an entry is refused.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from manifests.errors import GoaltraceError


@dataclass(frozen=True)
class AgentEntry:
    """One agent: what its sessions are called, and the classes that act."""

    name: str
    """As in `goaltrace record --agent NAME`."""
    arm: str
    """The arm of the experiment that its sessions belong to."""
    control: bool = False
    """Whether it acts without a goal, as that with which goal-directed arms are compared."""
    desktop: str | None = None
    """`module:class`, a `collector.agents.desktop.base.DesktopAgent`; None: it does not act on desktops."""
    terminal: str | None = None
    """`module:class`, a `collector.agents.terminal.base.TerminalAgent`; None: it does not act in terminals."""
    scripted: bool = False
    """Whether it follows the task's script, so that a task without one is not for it."""
    person: bool = False
    """Whether a person acts, who announces nothing and has given their consent."""
    recorded: bool = True
    """Whether `goaltrace record` offers it; a tape comes with `goaltrace import tape`."""

    def acts_on(self, kind: str) -> bool:
        """Whether it acts on tasks of this kind ("desktop", "terminal"); a person goes wherever there is a screen."""
        return self.person or self._of(kind) is not None

    def load(self, kind: str) -> Any:
        """The class that acts on this kind. Raises `GoaltraceError` where there is none."""
        module, _, name = (self._of(kind) or "").partition(":")
        if not module:
            raise GoaltraceError(f"agent {self.name}: does not act on {kind}s")
        return getattr(importlib.import_module(module), name)

    def _of(self, kind: str) -> str | None:
        return self.terminal if kind == "terminal" else self.desktop


_DESKTOP, _TERMINAL = "collector.agents.desktop", "collector.agents.terminal"

_ENTRIES = (
    AgentEntry(
        "scripted",
        arm="scripted",
        scripted=True,
        desktop=f"{_DESKTOP}.scripted:ScriptedAgent",
        terminal=f"{_TERMINAL}.scripted:ScriptedTypist",
    ),
    AgentEntry(
        "random-fast",
        arm="random-fast",
        control=True,
        desktop=f"{_DESKTOP}.random_fast:RandomFastAgent",
        terminal=f"{_TERMINAL}.random_keys:RandomKeys",
    ),
    AgentEntry("tape", arm="tape", terminal=f"{_TERMINAL}.tape:TapeAgent", recorded=False),
    AgentEntry("human", arm="human", person=True),
)

AGENTS: dict[str, AgentEntry] = {entry.name: entry for entry in _ENTRIES}


def recorded_agents() -> list[AgentEntry]:
    """The agents that `goaltrace record` offers."""
    return [entry for entry in AGENTS.values() if entry.recorded]


def agent_entry(name: str) -> AgentEntry:
    """The entry of an agent. Raises `GoaltraceError` for a name that has none."""
    if name not in AGENTS:
        raise GoaltraceError(f"agent {name!r}: unknown; one of: {', '.join(AGENTS)}")
    return AGENTS[name]
