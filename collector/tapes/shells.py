"""The shell a tape asks for, with VHS's prompt, which tapes wait for, and our marks (OSC 133) around it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace

from collector.tapes.language import Command
from collector.tapes.options import Options
from collector.terminal.home import Home
from manifests.errors import GoaltraceError

# VHS starts bash without start-up files: no aliases, and Ctrl+D ends it.
_BASH_PROMPT = r"\[\e[38;2;90;86;224m\]> \[\e[0m\]"
_BASH = r"""
PS1=$tape_prompt'\[\e]133;B\a\]'
unalias -a
unset IGNOREEOF tape_prompt
"""
_ZSH_PROMPT = "%F{#5B56E0}> %f"
_ZSH = r"""
PROMPT=$'%{\e]133;A\a%}'$tape_prompt$'%{\e]133;B\a%}'
precmd() { local code=$?; printf '\e]133;D;%d\a' "$code" }
preexec() { printf '\e]133;C\a' }
unset HISTFILE tape_prompt
unsetopt PROMPT_SP
"""
_FISH = r"""
set -g fish_greeting
function fish_prompt; printf '\e]133;A\a'; set_color 5B56E0; printf '> '; set_color normal; printf '\e]133;B\a'; end
function __tape_command --on-event fish_preexec; printf '\e]133;C\a'; end
function __tape_result --on-event fish_postexec; printf '\e]133;D;%d\a' $status; end
"""


def tape_home(home: Home, options: Options, commands: Sequence[Command]) -> Home:
    """`home` with the tape's shell and environment; `GoaltraceError` when a program is missing."""
    environment = home.environment | options.environment
    path = environment["PATH"]
    for command in commands:
        if command.verb == "Require" and shutil.which(command.text, path=path) is None:
            raise GoaltraceError(f"{command.at}: Require {command.text}: not found where the tape runs; install it")
    shell = shutil.which(options.shell, path=path)
    if shell is None:
        place = next((f"{c.at}: " for c in reversed(commands) if c.name == "Shell"), "")
        raise GoaltraceError(
            f"{place}Set Shell {options.shell}: not found where the tape runs; install it there or set bash"
        )
    folder = home.rc.parent
    environment |= {"SHELL": shell}
    asked = options.environment
    if options.shell == "bash":
        rc = folder / "rc-tape"
        prompt = _set_prompt(asked.get("PS1", _BASH_PROMPT))
        rc.write_text(home.rc.read_text(encoding="utf-8") + prompt + _BASH, encoding="utf-8")
        return replace(home, rc=rc, environment=environment)
    if options.shell == "zsh":
        prompt = _set_prompt(asked.get("PROMPT", asked.get("PS1", _ZSH_PROMPT)))
        (folder / ".zshrc").write_text(prompt + _ZSH, encoding="utf-8")
        environment |= {"ZDOTDIR": str(folder)}
        return replace(home, environment=environment, shell=(shell, "-d", "-i"))
    return replace(home, environment=environment, shell=(shell, "--no-config", "--private", "-i", "-C", _FISH))


def _set_prompt(prompt: str) -> str:
    """The prompt for the start file, which is read after the environment: a tape's own, set with Env, would be lost."""
    return f"tape_prompt={shlex.quote(prompt)}\n"
