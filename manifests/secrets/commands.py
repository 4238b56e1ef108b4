# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting passwords in the arguments of programs (`curl -u me:...`) and in URLs (`scheme://user:password@host`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.secrets.spans import Certainty, Span
from manifests.secrets.words import stands_for, surely_random

_OPTIONS, _WORD = r"[^|;&\n]{0,400}?\s", r"[^\s\"'•＊|;&-][^\s\"'•＊|]{0,199}"
_LOGIN = (
    r"(?:docker|podman|buildah|skopeo|nerdctl|oras|helm(?:\s+registry)?|az|oc|cf|ibmcloud|tsh|aliyun|quay|argocd|rosa|mc|nuget"
    r"|bw|lpass|heroku|npm|snyk|vercel|fly|rancher|crane|flux|scw)\s+(?:[\w-]+\s+)?login"
)
_TAKES: list[tuple[tuple[str, ...], str]] = [
    (("curl",), rf"\bcurl\b{_OPTIONS}(?:-u|--user|--proxy-user|-U)[\s=]*[\"']?[^\s:\"'•]{{1,64}}:(?P<v>{_WORD})"),
    (("http",), rf"\b(?:http|https|xh)\s{_OPTIONS}?(?:-a|--auth)[\s=]+[\"']?[^\s:\"'•]{{1,64}}:(?P<v>{_WORD})"),
    (("sshpass",), rf"\bsshpass\b{_OPTIONS}-p[\s=]*[\"']?(?P<v>{_WORD})"),
    (("login",), rf"\b{_LOGIN}\b{_OPTIONS}-p[\s=]+[\"']?(?P<v>{_WORD})"),
    (("login",), r"\b(?:vault|hf|huggingface-cli|wandb|railway|doppler|tailscale)\s+(?:auth\s+)?(?:login|up)\s+(?P<v>[A-Za-z0-9][\w.~+/=-]{15,300})"),
    (("login",), rf"(?:^|[;&|$#%>❯])\s*(?:sudo\s+)?login(?:\s+--?\w[\w-]{{0,20}}[\s=]+[^\s-]\S{{0,100}}){{0,4}}(?:\s+[\w.@-]{{1,64}})?\s+(?:-p|--pass(?:word)?)[\s=]+[\"']?(?P<v>{_WORD})"),
    (("mysql", "mariadb"), rf"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb(?:-\w+)?)\b{_OPTIONS}-p[\"']?(?P<v>{_WORD})"),
    (("mongo",), rf"\bmongo(?:sh|dump|restore|export|import)?\b{_OPTIONS}-p[\s=]+[\"']?(?P<v>{_WORD})"),
    (("redis",), rf"\bredis-cli\b{_OPTIONS}-a\s+[\"']?(?P<v>{_WORD})"),
    (("sudo",), rf"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?(?P<v>{_WORD})[\"']?\s*\|\s*sudo\s+-\w*S"),
    (("htpasswd",), rf"\bhtpasswd\s+(?:-\w+\s+){{0,6}}-\w*b\w*\s+(?:-\w+\s+){{0,6}}(?:[^\s-]\S{{0,200}}\s+)?\S{{1,100}}\s+[\"']?(?P<v>{_WORD})"),
    (("chpasswd",), r"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?[\w.-]{1,64}:(?P<v>[^\s\"'•＊|]{1,200})[\"']?\s*\|\s*(?:sudo\s+)?chpasswd"),
    (("passwd",), rf"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?(?P<v>{_WORD})[\"']?\s*\|\s*(?:sudo\s+)?passwd\s"),
    (("login",), rf"\b(?:echo|printf)\s+(?:-\w+\s+)?[\"']?(?P<v>{_WORD})[\"']?\s*\|[^|\n]{{1,100}}--(?:password-stdin|with-token)"),
    (("useradd", "usermod"), rf"\b(?:useradd|usermod)\b{_OPTIONS}-p[\s=]+[\"']?(?P<v>{_WORD})"),
    (("zip",), rf"\b(?:zip|unzip|zipcloak)\b{_OPTIONS}-P\s*[\"']?(?P<v>{_WORD})"),
    (("7z", "rar"), rf"\b(?:7za?|rar|unrar)\s{_OPTIONS}?-(?:hp|p)(?P<v>{_WORD})"),
    (("openssl",), rf"\bopenssl\b{_OPTIONS}-(?:pass|passin|passout)\s+[\"']?pass:(?P<v>{_WORD})"),
    (("openssl",), rf"\bopenssl\s+enc\b{_OPTIONS}-k\s+[\"']?(?P<v>{_WORD})"),
    (("openssl",), rf"\bopenssl\s+passwd\b(?:\s+-\S+)*\s+[\"']?(?P<v>{_WORD})"),
    (("smb", "rpcclient", "net rpc"), rf"\b(?:smbclient|rpcclient|smbmap|net\s+rpc)\b{_OPTIONS}-U[\s=]*[\"']?[^\s%\"'•]{{1,64}}%(?P<v>{_WORD})"),
    (("ldap",), rf"\bldap(?:search|modify|add|delete|passwd|whoami)\b{_OPTIONS}-w\s*[\"']?(?P<v>{_WORD})"),
    (("mosquitto",), rf"\bmosquitto_(?:pub|sub|rr)\b{_OPTIONS}-P\s+[\"']?(?P<v>{_WORD})"),
    (("mosquitto_passwd",), rf"\bmosquitto_passwd\s+(?:-\w+\s+)*-\w*b\w*\s+\S{{1,200}}\s+\S{{1,100}}\s+[\"']?(?P<v>{_WORD})"),
    (("rclone",), rf"\brclone\s+obscure\s+[\"']?(?P<v>{_WORD})"),
    (("wpa_pass",), rf"\bwpa_passphrase\s+\S{{1,64}}\s+[\"']?(?P<v>{_WORD})"),
    (("twine",), rf"\btwine\s+upload\b{_OPTIONS}-p[\s=]+[\"']?(?P<v>{_WORD})"),
    (("xfreerdp", "rdesktop", "wlfreerdp"), rf"\b(?:xfreerdp|wlfreerdp|rdesktop)\b{_OPTIONS}(?:/p:|-p\s+)[\"']?(?P<v>{_WORD})"),
    (("impacket", "crackmapexec", "netexec", "nxc", "evil-winrm", "psexec"),
     rf"\b(?:crackmapexec|netexec|nxc|evil-winrm|psexec\S*)\b{_OPTIONS}-p[\s=]+[\"']?(?P<v>{_WORD})"),
    (("ipmitool",), rf"\bipmitool\b{_OPTIONS}-P\s+[\"']?(?P<v>{_WORD})"),
    (("net user",), rf"(?i:\bnet\s+user)\s+\S{{1,64}}\s+(?P<v>(?!/){_WORD})"),
    (("/pass:",), rf"(?i:\bcmdkey\b{_OPTIONS}/pass:)(?P<v>{_WORD})"),
    (("from-literal",), rf"--from-literal=[\w.-]{{0,60}}(?i:pass|secret|token|key|pwd)[\w.-]{{0,20}}=[\"']?(?P<v>{_WORD})"),
    (("keychain", "add-generic", "add-internet"), rf"\bsecurity\s+(?:add-generic-password|add-internet-password|unlock-keychain)\b{_OPTIONS}-[wp]\s+[\"']?(?P<v>{_WORD})"),
    (("lftp", "ncftp"), rf"\blftp\b{_OPTIONS}-u\s*[\"']?[^\s,\"'•]{{1,64}},(?P<v>{_WORD})"),
]  # fmt: skip
_COMPILED = [(triggers, re.compile(shape)) for triggers, shape in _TAKES]
TRIGGERS = frozenset(trigger for triggers, _ in _TAKES for trigger in triggers)
_URL = re.compile(r"\w://[^\s/:@•\"'<>]{0,100}:(?P<v>[^\s/@•\"'<>]{1,200})@(?=[\w\[$.{-])")


def arguments(text: str, lower: str) -> Iterator[Span]:
    """Passwords given to programs on their command lines."""
    for triggers, shape in _COMPILED:
        if any(trigger in lower for trigger in triggers):
            for match in shape.finditer(text):
                if not _nothing(match["v"]):
                    yield _span(match, "password of a command")


def links(text: str) -> Iterator[Span]:
    """Passwords inside links: `scheme://user:password@host`."""
    for match in _URL.finditer(text):
        if not _nothing(match["v"]):
            yield _span(match, "password in a URL")


def _nothing(value: str) -> bool:
    return stands_for(value) or value.lower() in ("pass", "pw", "pwd") or value.startswith(("$", "<", "%", "{"))


def _span(match: re.Match[str], kind: str) -> Span:
    return Span(*match.span("v"), kind, Certainty.KNOWN if surely_random(match["v"]) else Certainty.NAMED)
