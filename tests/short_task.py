"""A terminal task that takes an agent two seconds, for tests that need a recording and not a certain one."""

from __future__ import annotations

from pathlib import Path

_TASK = """\
schema_version: "1.0"
id: terminal-say-yes
kind: terminal
family: files
goal: "Write yes, and nothing else, into ~/answer.txt."
script:
  - {say: write it down, type: echo yes > ~/answer.txt}
  - {key: Return}
  - {wait_prompt: true}
check:
  - {path: ~/answer.txt, equals: "yes"}
timeout_s: 90
"""


def write_short_task(folder: Path) -> Path:
    """The task's file, to be recorded by name."""
    path = folder / "terminal-say-yes.yaml"
    path.write_text(_TASK, encoding="utf-8")
    return path
