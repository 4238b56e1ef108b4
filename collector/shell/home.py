"""The home that a terminal's episode runs in: a fresh folder, a clean environment, one small shell on every machine."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import GoaltraceError

_REMOVE_S = 5.0
# OSC 133: A a prompt begins, B it ends and input starts, C a command runs, D it ended with this status.
_RC = r"""
PS1='\[\e[32m\]agent\[\e[0m\]:\[\e[36m\]\w\[\e[0m\]$ \[\e]133;B\a\]'
PS2='> '
PS0='\e]133;C\a'
__goaltrace_prompt() { local status=$?; printf '\e]133;D;%d\a\e]133;A\a' "$status"; return "$status"; }
PROMPT_COMMAND=__goaltrace_prompt
unset HISTFILE
unset -f command_not_found_handle
shopt -s checkwinsize
alias ls='ls --color=auto' grep='grep --color=auto'
ls --color=auto -d . >/dev/null 2>&1 || unalias ls grep
bind 'set bell-style none' 'set enable-bracketed-paste off' 2>/dev/null
IGNOREEOF=3
"""


@dataclass(frozen=True)
class Home:
    """A fresh home: `path` is HOME and the working directory; the rest of the machine's settings are not seen."""

    path: Path
    rc: Path
    environment: dict[str, str]
    shell: tuple[str, ...] = ()
    """The command of the shell where it is not bash with `rc`."""


@contextmanager
def fresh_home() -> Iterator[Home]:
    """A new home in a temporary folder, removed afterwards: the same rule in a container and on the host."""
    folder = Path(tempfile.mkdtemp(prefix="goaltrace-"))
    try:
        home = folder / "agent"
        home.mkdir()
        rc = folder / "rc"
        rc.write_text(_RC, encoding="utf-8")
        yield Home(home, rc, _environment(home))
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """A program that the episode left running may write once more while its home is being removed."""
    until = time.monotonic() + _REMOVE_S
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists() or time.monotonic() > until:
            return
        time.sleep(0.05)


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the user's own environment but PATH, less the recorder's virtual environment."""
    own = str(Path(sys.prefix) / "bin")
    path = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part and part != own]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "PWD": str(home),
        "USER": "agent",
        "LOGNAME": "agent",
        "SHELL": bash(),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "EDITOR": "nano",
        "PAGER": "less",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Agent",
        "GIT_AUTHOR_EMAIL": "agent@localhost",
        "GIT_COMMITTER_NAME": "Agent",
        "GIT_COMMITTER_EMAIL": "agent@localhost",
        "PYTHON_BASIC_REPL": "1",  # Python 3.13's new prompt would make hosts differ
    }


def bash() -> str:
    """The path of bash; `GoaltraceError` when there is none."""
    found = shutil.which("bash")
    if found is None:
        raise GoaltraceError("bash: not found; terminals are recorded in bash, install it")
    return found


def missing_tools(tools: list[str], home: Home) -> list[str]:
    """Those of `tools` that are not on the episode's PATH."""
    return [tool for tool in tools if shutil.which(tool, path=home.environment["PATH"]) is None]
