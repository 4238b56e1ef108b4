"""The shell a tape asks for, with VHS's prompt, which tapes wait for, and our marks (OSC 133) around it."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace

from collector.episodes.tape import Command
from collector.shell.home import Home
from collector.tapes.options import TapeOptions
from manifests.errors import GoaltraceError

# VHS starts bash without start-up files: no aliases, and Ctrl+D ends it.
_BASH_PROMPT = r"\[\e[38;2;90;86;224m\]> \[\e[0m\]"
_BASH = r"""
PS1=$tape_prompt
PROMPT_COMMAND+='; [[ $PS1 == *"133;B"* ]] || PS1+="\[\e]133;B\a\]"'
unalias -a
unset IGNOREEOF tape_prompt
"""
_ZSH_PROMPT = "%F{#5B56E0}> %f"
# A tape may set another prompt, so each looks after its mark whenever it shows one.
# ZDOTDIR is for this shell alone: one started in it reads the tape's own files.
_ZSH = r"""
PROMPT=$tape_prompt
__tape_prompt() {
  printf '\e]133;D;%d\a\e]133;A\a' "$?"
  [[ $PROMPT == *'133;B'* ]] || PROMPT+=$'%{\e]133;B\a%}'
}
__tape_command() { printf '\e]133;C\a' }
precmd_functions=(__tape_prompt)
preexec_functions=(__tape_command)
setopt HIST_NO_STORE
unset HISTFILE ZDOTDIR tape_prompt
"""
_FISH = r"""
function fish_greeting; end
function fish_prompt; set_color 5B56E0; echo -n '> '; set_color normal; end
function __tape_prompt --on-event fish_prompt
  printf '\e]133;A\a'
  functions fish_prompt | string match -q '*133;B*'; and return
  functions -e __tape_shown
  functions -c fish_prompt __tape_shown
  function fish_prompt; __tape_shown; printf '\e]133;B\a'; end
end
function __tape_given_up --on-event fish_cancel; printf '\e]133;D\a\e]133;B\a'; end
function __tape_command --on-event fish_preexec; printf '\e]133;C\a'; end
function __tape_result --on-event fish_postexec; printf '\e]133;D;%d\a' $status; end
"""
_NO_SUGGESTIONS = "set -g fish_autosuggestion_enabled 0\n"
"""What was hidden would be suggested, and so shown, as soon as its first letter is typed again."""


def tape_home(home: Home, options: TapeOptions, commands: Sequence[Command]) -> Home:
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
    hides = any(command.verb == "Hide" for command in commands)
    fish = _FISH + (_NO_SUGGESTIONS if hides else "")
    return replace(home, environment=environment, shell=(shell, "--no-config", "--private", "-i", "-C", fish))


def _set_prompt(prompt: str) -> str:
    """The prompt for the start file, which is read after the environment: a tape's own, set with Env, would be lost."""
    return f"tape_prompt={shlex.quote(prompt)}\n"
