# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting names of users and machines, which reveal who made a recording.

A name like `max` is a word, too. So it counts as a name only in the positions that names have: before an at sign, in a
home folder, as the owner of a file. A distinctive one (`jdoe42`, `janes-laptop`) counts wherever it occurs.
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

_COMMON = frozenset(
    "root admin administrator user users guest test tester demo dev developer me you somebody nobody ubuntu debian fedora"
    " centos arch alpine kali pi vagrant docker runner ec2-user azureuser opc core node app agent worker build builder"
    " ci jenkins git www-data postgres mysql redis nginx apache http daemon bin sys mail news public default home shared"
    " localhost local host hostname container server client desktop laptop computer pc machine vm box workstation mac"
    " macbook macbook-pro linux windows codespace codespaces vscode jovyan sandbox workspace colab kaggle oracle"
    " linuxbrew python ruby java go rust terminal shell bash zsh fish tmux main master".split()
)
"""Common names of accounts and machines, which identify nobody."""
_NAME = re.compile(r"[^\W_][\w.-]{1,62}")
_TAKEN_HEX = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
"""The host names of containers: hexadecimal numbers, which identify nobody."""
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
    """Names of users and of machines to look for, such as those of this machine."""

    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


NO_NAMES = OwnNames()
_MOST = 100


def names_of_this_machine() -> OwnNames:
    """The names of the current user, the home folder and this machine, without common ones that identify nobody."""
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
    """Whether a name can identify a person, or a person's machine."""
    return bool(_NAME.fullmatch(name)) and name.lower() not in _COMMON and not _TAKEN_HEX.fullmatch(name)


def reported(text: str) -> list[Span]:
    """Names of users and machines in what a shell reports invisibly: window titles, folders, hosts."""
    found = [Span(*match.span("user"), "user name", Certainty.KNOWN) for match in _HOME.finditer(text)]
    for shape in _REPORTS:
        for match in shape.finditer(text):
            for group, value in match.groupdict().items():
                kind = {"user": "user name", "host": "host name", "machine": "machine id"}[group]
                found.append(Span(*match.span(group), kind, Certainty.KNOWN if value else Certainty.ASSUMED))
    return [span for span in found if span.kind == "machine id" or identifies(text[span.start : span.end])]


def of_variable(name: str, value: str) -> list[Span]:
    """Names in the value of an environment variable."""
    kind = _VARIABLES.get(name)
    if kind and identifies(value):
        return [Span(0, len(value), f"{kind} name", Certainty.KNOWN)]
    return reported(value)


class Names:
    """Finds a set of names in texts, in the positions that names have."""

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
        """Add a name that the recording itself reports; at most a hundred users and a hundred hosts."""
        into = self._users if kind == "user name" else self._hosts
        if kind != "machine id" and name not in into and len(into) < _MOST and identifies(name):
            into.add(name)
            self._built = False

    def may_occur(self, text: str) -> bool:
        return any(name in text for name in self._users) or any(name in text for name in self._hosts)

    def find(self, text: str) -> Iterator[Span]:
        """Every occurrence of the names in the text."""
        if not self.may_occur(text):
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
    """Whether a name is distinctive enough to count wherever it occurs: long, or with digits and signs in it."""
    return len(name) >= 6 or (len(name) >= 4 and re.search(r"[\d._-]", name) is not None)
