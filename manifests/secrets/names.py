# ruff: noqa: E501 (a pattern is read in one line)
"""Names of users and of their machines: what a recording says of who made it.

A name like `max` is a word, too. So it is a name only where names stand: before an at sign, in a home folder, as the
owner of a file. Only one that nothing else is called (`jdoe42`, `janes-laptop`) is a name wherever it stands.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from manifests.secrets.spans import Certainty, Span

_NOBODY = frozenset(
    "root admin administrator user users guest test tester demo dev developer me you somebody nobody ubuntu debian fedora"
    " centos arch alpine kali pi vagrant docker runner ec2-user azureuser opc core node app agent worker build builder"
    " ci jenkins git www-data postgres mysql redis nginx apache http daemon bin sys mail news public default home shared"
    " localhost local host hostname container server client desktop laptop computer pc machine vm box workstation mac"
    " macbook macbook-pro linux windows codespace codespaces vscode jovyan sandbox workspace colab kaggle oracle"
    " linuxbrew python ruby java go rust terminal shell bash zsh fish tmux main master".split()
)
"""Names of accounts and machines that stand for nobody."""
_NAME = re.compile(r"[^\W_][\w.-]{1,62}")
_TAKEN_HEX = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
"""How containers are called: by a number that says nothing."""
_HOME = re.compile(
    r"(?:/(?:home|Users|export/home|var/home)/|[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/)|%2[Ff](?:home|Users)%2[Ff])(?P<user>[^\s/\\;:'\"%\x00-\x1f]{1,64})"
)
_REPORTS = (
    re.compile(r"(?:file|kitty-shell-cwd)://(?P<host>[^\s/;:\x00-\x1f]{1,253})/"),
    re.compile(r"RemoteHost=(?P<user>[^\s@;]{1,64})@(?P<host>[^\s;:/]{1,253})"),
    re.compile(r"(?<![\w.@/-])(?P<user>[A-Za-z_][\w.-]{0,31})@(?P<host>[A-Za-z0-9][\w.-]{0,252})(?=$|[\s:)\];,])"),
    re.compile(r"(?i)(?:^|[;,?&\s])(?:user(?:name)?|logname)=(?P<user>[^\s;,:]{1,64})"),
    re.compile(r"(?i)(?:^|[;,?&\s])(?:host(?:name)?|computername)=(?P<host>[^\s;,]{1,253})"),
    re.compile(r"(?i)(?:^|[;,?&\s])(?:machineid|bootid)=(?P<machine>[0-9a-f-]{16,40})"),
)  # fmt: skip
_VARIABLES = {
    "USER": "user", "LOGNAME": "user", "USERNAME": "user", "SUDO_USER": "user", "LC_USER": "user", "HOST": "host",
    "HOSTNAME": "host", "COMPUTERNAME": "host", "NAME": "host", "SESSION_MANAGER": "host",
}  # fmt: skip
_OWNER = r"[-dlbcps][rwxsStT-]{9}[.+@]?\s+\d+\s+"


class OwnNames(NamedTuple):
    """Names as they were told: of users, and of machines."""

    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


NO_NAMES = OwnNames()
_MOST = 100


def names_of_this_machine() -> OwnNames:
    """The names of whoever runs this, of the home folder and of the machine, without those that stand for nobody."""
    users = [Path.home().name, *(os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER"))]
    try:
        users.append(getpass.getuser())
    except (OSError, KeyError):  # a user without a name, as in some containers
        pass
    host = socket.gethostname()
    return OwnNames(
        tuple(sorted({user for user in users if identifies(user)})),
        tuple(sorted({name for name in (host, host.split(".")[0]) if identifies(name)})),
    )


def identifies(name: str) -> bool:
    """Whether a name can stand for somebody, or for somebody's machine."""
    return bool(_NAME.fullmatch(name)) and name.lower() not in _NOBODY and not _TAKEN_HEX.fullmatch(name)


def reported(text: str) -> list[Span]:
    """Names of users, homes and machines in what nobody sees: titles, folders and hosts that a shell reports."""
    found = [Span(*match.span("user"), "user name", Certainty.KNOWN) for match in _HOME.finditer(text)]
    for shape in _REPORTS:
        for match in shape.finditer(text):
            for group, value in match.groupdict().items():
                kind = {"user": "user name", "host": "host name", "machine": "machine id"}[group]
                found.append(Span(*match.span(group), kind, Certainty.KNOWN if value else Certainty.ASSUMED))
    return [span for span in found if span.kind == "machine id" or identifies(text[span.start : span.end])]


def of_variable(name: str, value: str) -> list[Span]:
    """Names in the value of a variable of the environment."""
    kind = _VARIABLES.get(name)
    if kind and identifies(value):
        return [Span(0, len(value), f"{kind} name", Certainty.KNOWN)]
    return reported(value)


class Names:
    """Names to be found in a text, where names stand."""

    def __init__(self, own: OwnNames = NO_NAMES) -> None:
        self._users: set[str] = set(own.users)
        self._hosts: set[str] = set(own.hosts)
        self._anywhere: set[str] = {name for name in (*own.users, *own.hosts) if _unmistakable(name)}
        self._users_seen = self._hosts_seen = re.compile("(?!)")
        self._built = False

    def __bool__(self) -> bool:
        return bool(self._users or self._hosts)

    @property
    def count(self) -> int:
        return len(self._users) + len(self._hosts)

    def add(self, name: str, kind: str) -> None:
        """A name that a recording reports of itself: the first hundred, since no one recording is made by more."""
        into = self._users if kind == "user name" else self._hosts
        if kind != "machine id" and name not in into and len(into) < _MOST and identifies(name):
            into.add(name)
            self._built = False

    def may_stand(self, text: str) -> bool:
        return any(name in text for name in self._users) or any(name in text for name in self._hosts)

    def find(self, text: str) -> Iterator[Span]:
        """Where the names stand."""
        if not self.may_stand(text):
            return
        if not self._built:
            self._build()
        for kind, shape in (("user name", self._users_seen), ("host name", self._hosts_seen)):
            for match in shape.finditer(text):
                for group in range(1, (match.lastindex or 0) + 1):
                    if match[group] is not None:
                        yield Span(*match.span(group), kind, Certainty.KNOWN)

    def _build(self) -> None:
        self._built = True
        users, hosts = _any(self._users), _any(self._hosts)
        anywhere = _any(self._anywhere)
        before, after = r"(?<![\w.-])", r"(?![\w-]|\.\w)"
        self._users_seen = re.compile(
            rf"{before}({users})(?=@[A-Za-z0-9])"
            rf"|(?:/(?:home|Users|export/home|var/home)/|Users\\{{1,2}}|-(?:Users|home)-)({users})(?![\w-])"
            rf"|(?<![\w/.])~({users})(?=[/:\s]|$)"
            rf"|(?i:(?:user(?:name)?|logname)[=:]\s?)({users}){after}"
            rf"|{_OWNER}({users})(?:\s+({users}))?(?=\s)|{before}({anywhere}){after}"
        )
        self._hosts_seen = re.compile(
            rf"(?<=[\w.\]])@({hosts}){after}|//({hosts})(?=[/:])|(?i:host(?:name)?[=:]\s?)({hosts}){after}"
            rf"|(?:^|(?<=[\s(\[]))({hosts})(?=:[~/])|{before}({anywhere}){after}"
        )


def _any(names: set[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"


def _unmistakable(name: str) -> bool:
    """Whether one's own name is a name wherever it stands: no ordinary word is as long, or written like that."""
    return len(name) >= 6 or (len(name) >= 4 and re.search(r"[\d._-]", name) is not None)
