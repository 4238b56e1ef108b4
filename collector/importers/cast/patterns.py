"""What counts as sensitive in a line of text."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

MASK, WIDE_MASK = "•", "＊"
PIECE = 8
"""Characters of a known secret that give it away: any piece this long is masked wherever it stands."""

_OPTIONS, _WORD = r"[^|;&\n]{0,400}?\s", r"[^\s\"'•|-][^\s\"'•|]{0,199}"
_SHAPES = [
    ("AWS key", r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("GitHub token", r"gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}"),
    ("GitLab token", r"glpat-[\w-]{16,255}"),
    ("Slack token", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}|hooks\.slack\.com/services/[\w/]{20,255}"),
    ("Google key", r"AIza[\w-]{30,60}|ya29\.[\w-]{20,1000}|GOCSPX-[\w-]{20,60}"),
    ("API key", r"(?<![A-Za-z0-9])(?:sk-[\w-]{16,255}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|hf_[A-Za-z0-9]{20,255}"
                r"|npm_[A-Za-z0-9]{30,255}|pypi-[\w-]{16,1000}|SG\.[\w-]{16,64}\.[\w-]{16,64}|dckr_pat_[\w-]{20,64}"
                r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}|do[opr]_v1_[a-f0-9]{64}|AGE-SECRET-KEY-1[A-Z0-9]{50,70}"
                r"|hv[sbr]\.[\w-]{20,255}|gsk_[A-Za-z0-9]{30,255}|dapi[a-f0-9]{32}|tskey-[\w-]{20,255}"
                r"|\d{8,10}:AA[\w-]{32,34}(?![\w-]))"),
    ("JWT", r"eyJ[\w-]{8,4000}\.[\w-]{8,4000}\.[\w-]{0,4000}"),
    ("password in a URL", r"://[^\s/:@•]{0,100}:(?P<url>[^\s/@•]{1,200})@"),
    ("password of a command", rf"\bcurl\b{_OPTIONS}(?:-u|--user)[\s=]*[\"']?[^\s:\"'•]{{1,64}}:(?P<user>{_WORD})"),
    ("password of a command", rf"\b(?:sshpass|(?:docker|podman)\s+login)\b{_OPTIONS}-p[\s=]*[\"']?(?P<option>{_WORD})"),
    ("password of a command", rf"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b{_OPTIONS}-p[\"']?(?P<glued>{_WORD})"),
    ("password of a command", rf"\bredis-cli\b{_OPTIONS}-a\s+[\"']?(?P<redis>{_WORD})"),
    ("password of a command", rf"\b(?:echo|printf)\s+[\"']?(?P<piped>{_WORD})[\"']?\s*\|\s*sudo\s+-\w*S"),
    ("authorization", r"(?i:authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token)\s+)"
                      r"(?P<auth>[\w.~+/=-]{8,4000})"),
    ("authorization", r"(?i:\b(?:bearer|basic)\s+)(?P<scheme>[\w.~+/=-]{12,4000})"),
    ("e-mail address", r"(?!git@)(?<![\w.%+-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[A-Za-z]{2,24}"),
]  # fmt: skip
_KNOWN = [(kind, re.compile(shape)) for kind, shape in _SHAPES]
_NAME = (
    r"(?P<name>pass(?:word|wd|phrase|code)|\bpwd|(?:secret[ _-]?)?(?:access|account|auth|api|private)[ _-]?key|secret"
    r"|token(?!i[sz])|credentials?)"
)
_ASSIGNED = re.compile(
    rf"(?i){_NAME}[\w.-]{{0,40}}(?:\s?[\[(][^\])]{{0,40}}[\])])?[\"']?"
    r"(?:\s{0,8}(?:=>|:=|=|:)\s{0,8}|(?<=\w)\s+(?=\S))[\"']?(?P<value>[^\s\"'`,;•＊]{4,400})"
)
_STANDS_FOR = re.compile(
    r"\$\{?[A-Za-z_]\w*\}?|[<{\[(]{1,2}[A-Za-z_.$-]*[>}\])]{0,2}|[A-Z_]+|(?i:none|null|true|false|undefined|str(?:ing)?"
    r"|[a-z_.]*(?<![a-z])passw(?:or)?d)|[A-Za-z_.]{3,}[(\[](?:[\w.]*[)\]])?"
)
"""What stands for a value in code, templates and help texts: a variable, a call, a word in capitals, a type."""
_BEHIND_PWD = re.compile(r"[/~.]|[0-2]?\d:[0-5]\d(?!\w)")
"""What may stand behind the command: a path, or the time at the right of the prompt's row."""
_OPTION = re.compile(r"(?:-key)?[\"']?[= ][\"']?")
_HOST = re.compile(r":[~/.]|\s~[/\]>\s]")
"""What follows a user at a host in a prompt and in the paths of scp."""
_HINT = re.compile(
    r"@|://|(?i:pass|pwd|secret|token|key|credential|bearer|basic)|AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat|glpat"
    r"|xox|xapp|slack|AIza|ya29|GOCSPX|sk-|[sr]k_|hf_|npm_|pypi-|eyJ|SG\.|shp[acps]|do[opr]_v1|KEY-1|:AA|dckr_"
    r"|hv[sbr]\.|gsk_|dapi|tskey|curl|docker|podman|mysql|mariadb|redis-cli|sudo"
)
_KEY_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINE = re.compile(r"[\d\s│|~>]*?([A-Za-z0-9+/=]{1,4000})[\s│|]*")
_KEY_HEADER = re.compile(r"\s*(?:[A-Z][\w-]{2,20}: .*)?")
_PROMPT = re.compile(
    r"(?i)(?:pass(?:word|phrase|code)|\bpin\b|\botp\b|secret|token|api key|verification code)[^\n]{0,80}[:?>]\s*$"
)


class Found(NamedTuple):
    """A sensitive part of a text: characters [start, end)."""

    start: int
    end: int
    kind: str
    known: bool
    """True if it is told by itself, so that it is looked for everywhere else too."""


def sensitive(text: str, in_key: bool = False) -> tuple[list[Found], bool]:
    """What is sensitive in a line, and whether a private key goes on after it; `in_key`: it began before it."""
    found, after = _private_key(text, in_key)
    if not _HINT.search(text):
        return found, after
    for kind, shape in _KNOWN:
        for match in shape.finditer(text):
            group = match.lastgroup or 0
            random = looks_random(match[group])
            if (group == "scheme" and not random) or (kind == "e-mail address" and _HOST.match(text, match.end())):
                continue
            found.append(Found(*match.span(group), kind, not group or random))
    found += _assigned(text)
    return found, after


def _assigned(text: str) -> Iterator[Found]:
    """Values beside a name like password, token or key."""
    for match in _ASSIGNED.finditer(text):
        value, named = match["value"], match["name"].lower()
        if _STANDS_FOR.fullmatch(value) or (named == "pwd" and _BEHIND_PWD.match(value)):
            continue
        between = text[match.end("name") : match.start("value")]
        random = looks_random(value)
        wanted = random or (text.endswith("--", 0, match.start()) and _OPTION.fullmatch(between))
        if not wanted and named.startswith(("pass", "pwd")):
            bare = between.rstrip("\"'")
            mixed = re.search("[A-Za-z]", value) and re.search("[0-9]", value)
            literal = bare != between and text[match.end() :][:1] == between[-1]
            wanted = "=" in between or not bare.endswith(" ") or (":" in between and bool(mixed or literal))
        if wanted:
            yield Found(*match.span("value"), f"value of a {_noun(named)}", random)


def asks_for_password(line: str) -> bool:
    """True if what is typed after this line is a secret."""
    return _PROMPT.search(line[-200:]) is not None


def looks_random(value: str) -> bool:
    """True for what nobody would write as a word: long enough, of several kinds of character, high in entropy."""
    if len(value) < PIECE:
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
    return kinds >= 2 and entropy >= 2.5 and bool(re.search("[0-9]|[a-z][A-Z]", value))


def _noun(name: str) -> str:
    return "password" if name.startswith(("pass", "pwd")) else "secret" if "secret" in name else "token or key"


def _private_key(text: str, in_key: bool) -> tuple[list[Found], bool]:
    begin = _KEY_BEGIN.search(text)
    start = begin.end() if begin else 0
    if begin is None and not in_key:
        return [], False
    end = _KEY_END.search(text, start)
    stop = end.start() if end else len(text)
    if begin is None and end is None:
        line = _KEY_LINE.fullmatch(text)
        if line is None:
            return [], _KEY_HEADER.fullmatch(text) is not None
        return [Found(*line.span(1), "private key", len(line[1]) >= 16)], True
    found = [Found(start, stop, "private key", stop - start >= 16)] if text[start:stop].strip() else []
    return found, end is None


class Known:
    """Secrets that were found once: any piece of one is found again, wherever it stands."""

    def __init__(self) -> None:
        self._pieces: dict[str, str] = {}
        self._parts: set[tuple[str, ...]] = set()
        """Every four characters in a row of every piece: a piece has such a part at one of any five places in a row."""
        self._whole: dict[str, str] = {}
        self.count = 0
        self.longest = PIECE
        """Characters of the longest text that is looked for."""

    def add(self, value: str, kind: str) -> None:
        """Remember a secret; what is too short to be told from a word is not looked for."""
        self.count += 1
        if kind == "e-mail address":
            begin = value[: value.index("@") + 4]  # of the name alone many prompts are made: max@laptop
            self._whole[begin] = kind
            self.longest = max(self.longest, len(begin))
            return
        for word in value.split():
            if len(word) < PIECE:
                if len(word) >= 6:
                    self._whole[word] = kind
                continue
            for at in range(len(word) - PIECE + 1):
                self._pieces[word[at : at + PIECE]] = kind
            self._parts.update(zip(word, word[1:], word[2:], word[3:], strict=False))

    def __bool__(self) -> bool:
        return bool(self._pieces or self._whole)

    def find(self, text: str) -> list[Found]:
        found: list[Found] = []
        if not self._parts.isdisjoint(zip(text[::5], text[1::5], text[2::5], text[3::5], strict=False)):
            for at in range(len(text) - PIECE + 1):
                kind = self._pieces.get(text[at : at + PIECE])
                if kind is not None:
                    found.append(Found(at, at + PIECE, kind, False))
        for word, kind in self._whole.items():
            at = text.find(word)
            while at >= 0:
                found.append(Found(at, at + len(word), kind, False))
                at = text.find(word, at + 1)
        return found
