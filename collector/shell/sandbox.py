"""A shell for random keys on someone's own machine: whatever is typed, it cannot change a file or stop a process.

In a container the machine is thrown away and the random arm gets the full shell. On the host it gets bash in
restricted mode with a few reading tools, no builtin that signals or loads code, a limit of 0 bytes on every file
written (kept by the kernel), and, started as root, the rights of nobody.
"""

from __future__ import annotations

import os
import resource
import shutil
from dataclasses import replace

from collector.shell.home import Home

# Tools that only read, whatever their arguments: no sort (-o), uniq (a second argument), find, env or awk.
_TOOLS = ("ls", "cat", "head", "wc", "cut", "nl", "tac", "seq", "echo", "printf", "uname", "basename", "dirname", "cal")
_NOBODY = 65534

# Restricted mode comes last: `bash --restricted` would apply it before this file is read, and after it PATH is fixed.
_RC = r"""
PATH='{tools}'
bind 'set disable-completion on' 2>/dev/null
bind -r '\C-x\C-e' 2>/dev/null
for name in kill exec source . eval trap ulimit umask suspend bind hash history fc command builtin enable; do
  enable -n "$name" 2>/dev/null
done
FUNCNEST=4 IGNOREEOF=1000
readonly FUNCNEST IGNOREEOF PROMPT_COMMAND PS0 PS1
set -r
"""


def confine(home: Home) -> Home:
    """The same home with a start-up file that ends in the restricted shell."""
    tools = home.rc.parent / "tools"
    tools.mkdir()
    for name in _TOOLS:
        found = shutil.which(name, path=home.environment["PATH"])
        if found:
            (tools / name).symlink_to(found)
    rc = home.rc.parent / "rc-restricted"
    rc.write_text(home.rc.read_text(encoding="utf-8") + _RC.replace("{tools}", str(tools)), encoding="utf-8")
    if os.geteuid() == 0:
        home.rc.parent.chmod(0o711)
        rc.chmod(0o644)
        for path in (home.path, *home.path.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    return replace(home, rc=rc, environment=home.environment | {"PATH": str(tools)})


def give_up_rights() -> None:
    """In the child, before bash starts: nothing can be written to a file, and root's rights are gone."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
