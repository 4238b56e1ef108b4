# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting values by the label beside them, such as password, token or PIN: `password = ...`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.secrets.spans import Certainty, Span
from manifests.secrets.words import is_code, looks_random, stands_for, surely_random, wordlike

TRIGGERS = (
    "pass", "pwd", "psk", "secret", "token", "key", "credential", "kennwort", "contrase", "mot de passe", "senha",
    "wachtwoord", "парол", "密码", "密碼", "口令", "パスワード", "비밀번호", "hasło", "heslo", "parola", "şifre", "lösenord",
    "salasana", "adgangskode", "лозинка", "identified by", "requirepass", "cookie", "phrase", "mnemonic",
)  # fmt: skip
CODE_TRIGGERS = ("pin", "otp", "code", "cvv", "cvc", "csc", "tan")
_PASSWORD = (
    r"(?:pass(?:word|wd|phrase|code|wort)|kennwort|contrase[ñn]a|mot de passe|senha|wachtwoord|пароль|密码|密碼|口令"
    r"|パスワード|비밀번호|hasło|heslo|parola|şifre|lösenord|salasana|adgangskode|лозинка"
    r"|(?<![a-z])(?:psk|requirepass)|(?<![a-z])(?:[a-z]{0,8}[_-])?pwd|(?<![a-z])[a-z]{1,12}[_-]pass|(?-i:(?<=[a-z])Pass)"
    r"|(?<=--)pass|(?<![a-z])pass(?=\s{0,3}[=:]))"
)
_SECRET = (
    r"(?:(?:(?<![a-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
    r"(?:secret|token|credentials?"
    r"|(?:secret|access|account|auth|api|private|preshared|encryption|signing|master|client|shared|session|storage|service"
    r"|deploy|license|application|app|admin|user|bearer|refresh|bot|webhook|personal|hub|hf)"
    r"(?:[ _-]?(?:access|auth|api|secret))?[ _-]?(?:key|secret|token)))"
)
_SUFFIX = r"(?:[_-]?(?:value|base64|b64|string|hash|prod(?:uction)?|dev|test|staging|live|old|new|current|\d{1,3}))?"
_QUOTE = r"\\{0,2}[\"'`]"
_ASSIGNED = re.compile(
    rf"(?i)(?:(?P<password>{_PASSWORD})|(?P<secret>{_SECRET})){_SUFFIX}(?![A-Za-z0-9_])"
    rf"(?:{_QUOTE})?\s?\]?(?:\s?[\[(][^\])\n]{{0,40}}[\])])?(?P<for>\s(?:for|of|to)\s[^:=\n]{{1,60}}?)?"
    rf"(?P<sep>\s{{0,8}}(?:=>|:=|==|=|:|->|→|\bis\b:?|>(?=[^<>]{{4,200}}</))\s{{0,8}}|\s+(?={_QUOTE}))"
    rf"(?:(?P<open>{_QUOTE})(?P<quoted>[^\"'`\n•＊]{{1,400}}?)(?P=open)|(?:{_QUOTE})?(?P<bare>[^\s\"'`•＊]{{1,400}}))"
)
_OPTION = re.compile(
    r"(?i)(?<![^\s;(\"'`])--?(?P<name>[a-z0-9-]{0,30}(?:password|passwd|passphrase|pass|pwd|token|secret|secret-key|api-?key"
    r"|access-key|auth-key|private-key|apikey))(?:=|\s+|:)[\"']?(?P<value>[^\s\"'|;&•＊-][^\s\"'|;&•＊]{0,399})"
)
_NETRC = re.compile(r"(?i)\blogin\s+\S{1,100}\s+password\s+(?P<value>[^\s•＊]{3,200})|\brequirepass\s+(?P<redis>[^\s•＊]{3,200})"
                    r"|\b802-1x\.password\s+(?P<wifi>[^\s•＊]{3,200})|\bwifi\b[^|;&\n]{0,120}\spassword\s+(?P<join>[^\s•＊]{3,200})")  # fmt: skip
_SQL = re.compile(
    r"(?i)\bidentified\s+(?:with\s+\S{1,40}\s+)?by\s+(?:password\s+)?[\"'](?P<value>[^\"'\n•＊]{1,200})[\"']"
)
_COOKIE = re.compile(r"(?i)\b(?:set-)?cookie[\"']?\s{0,3}:\s{0,3}[\"']?(?P<all>[^\n\"']{8,4000})")
_CRUMB = re.compile(r"[\w.-]{1,60}=(?P<value>[\w%.+/=-]{16,2000})")
_AUTHORIZATION = re.compile(
    r"(?i)authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?:bearer|basic|token|apikey)\s+)?(?P<value>[\w.~+/=-]{8,4000})"
)
_SCHEME = re.compile(r"(?i)\b(?:bearer|basic)\s+(?P<value>[\w.~+/=-]{12,4000})")
_SEED = re.compile(
    r"(?i)\b(?:seed|recovery|mnemonic|backup|secret)(?:[ _-]?(?:seed|phrase|words))?[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
    r"(?P<value>[a-z]{3,8}(?: [a-z]{3,8}){11,23})(?![a-z])"
)
_OTHERS = (
    (_NETRC, "value of a password", ("password", "requirepass")),
    (_SQL, "value of a password", ("identified",)),
    (_SEED, "seed phrase", ("seed", "recovery", "mnemonic", "backup", "secret")),
)
"""Further patterns, each with words of which a text must hold one before the pattern is tried."""
_PIN = re.compile(
    r"(?i)(?<![a-z])(?:pin(?:[ -]?(?:code|number))?|otp|one[- ]time (?:pass)?code|(?:verification|security|confirmation|access|login"
    r"|authenti(?:cation|cator)|two-factor|2fa|mfa|sms|unlock|device|pairing)[ _-]?code|t-?pin|m?tan|puk)(?![a-z])"
    r"[\"']?(?:\s(?:for|of|to)\s[^:=\n]{1,60}?)?(?:\s{0,4}[:=]\s{0,4}|\s+is:?\s+)[\"']?"
    r"(?P<value>(?:G-)?\d{4,12}|\d{3}[ -]\d{3}|\d{4} \d{4})(?![\w.-]|\s\d)"
)
_CVV = re.compile(
    r"(?i)(?<![a-z])(?:cvv2?|cvc2?|csc)[\"']?(?:\s{0,4}[:=]\s{0,4}|\s{1,3})[\"']?(?P<value>\d{3,4})(?!\w)"
)
_RECOVERY = re.compile(
    r"(?i)\b(?:recovery|backup|scratch) codes?\s{0,3}[:=]\s{0,3}(?P<value>[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,5})"
)
_ASKS = re.compile(
    r"(?i)(?:(?<![\w/.=-])(?:pass(?:word|phrase|code|wort)|kennwort|pin(?:[ -]code)?|otp|secret(?: access)?(?: key)?|token"
    r"|(?:api|access|auth|private|license)[ -](?:key|token)|(?:verification|security|one[- ]time|authentication|2fa) (?:pass)?code"
    r"|contrase[ñn]a|mot de passe|senha|пароль|wachtwoord)(?![\w/.=])[^\n:=]{0,60}(?:\[[^\]\n]{0,40}\])?\s?[:?›]"
    r"|(?<![\w/.=~-])(?:password|passphrase|token|api key)\s?>)\s*$"
)
_QUESTION_ENDS = ":?>›»]：？)"
_SHELL = re.compile(r"[$#%❯➜λ»]\s+\S|^\s*(?:PS\s.*|>>>|\.\.\.|>)\s+\S")
"""A shell prompt followed by the beginning of a command."""


def labelled_values(text: str, lower: str) -> Iterator[Span]:
    """Values beside a name like password, token or key; `lower` is the text in small letters."""
    for match in _ASSIGNED.finditer(text):
        group = "quoted" if match["quoted"] is not None else "bare"
        start = match.start(group)
        value = match[group] if group == "quoted" else _bare(match[group])
        noun = "password" if match["password"] else "token or key"
        is_value = _is_password if match["password"] else _is_secret
        if value and is_value(match, value, group == "quoted", text[start + len(value) : start + len(value) + 1]):
            yield Span(start, start + len(value), f"value of a {noun}", _certainty(value))
    for match in _OPTION.finditer(text) if "-" in text else ():
        value = match["value"]
        secret = not match["name"].lower().endswith(("pass", "pwd", "password", "passwd", "passphrase"))
        if len(value) < 3 or stands_for(value) or value.startswith(("[", "<")) or (secret and len(value) < 8):
            continue
        if not (secret and wordlike(value)) and not is_code(value):
            yield Span(*match.span("value"), "value of a password" if not secret else "value of a token or key",
                       _certainty(value))  # fmt: skip
    for shape, kind, words in _OTHERS:
        for match in shape.finditer(text) if any(word in lower for word in words) else ():
            sql = shape is _SQL and not re.search(r"(?i)\b(?:user|grant|alter|create)\b", text)
            if match.lastgroup and not sql and not stands_for(match[match.lastgroup]):
                yield Span(*match.span(match.lastgroup), kind)
    yield from _headers(text, lower)


def _headers(text: str, lower: str) -> Iterator[Span]:
    for match in _AUTHORIZATION.finditer(text) if "authorization" in lower else ():
        if not stands_for(match["value"]) and match["value"].lower() not in ("bearer", "basic"):
            yield Span(*match.span("value"), "authorization", _certainty(match["value"]))
    for match in _SCHEME.finditer(text) if "bearer" in lower or "basic" in lower else ():
        if looks_random(match["value"]):
            yield Span(*match.span("value"), "authorization", _certainty(match["value"]))
    for match in _COOKIE.finditer(text) if "cookie" in lower else ():
        for crumb in _CRUMB.finditer(match["all"]):
            if looks_random(crumb["value"]) or len(crumb["value"]) >= 32:
                at = match.start("all")
                yield Span(at + crumb.start("value"), at + crumb.end("value"), "cookie", _certainty(crumb["value"]))


def _bare(value: str) -> str:
    """A value without quotes, cut where a list, a URL, a tag or an escaped line break follows it."""
    value = re.split(r"\\[nrt](?![a-z]{3})|\\[nrt]$|</|[;&,](?=[\w.-]{1,40}=)|[;,]$", value, maxsplit=1)[0]
    while value and value[-1] in ",;:)}]>\\" and (value[-1] not in ")}]>" or not _opens(value)):
        value = value[:-1]
    return value.rstrip(".") if not value.endswith("...") else ""


def _opens(value: str) -> bool:
    return any(value.count(opening) >= value.count(closing) > 0 for opening, closing in ("()", "{}", "[]", "<>"))


def _certainty(value: str) -> Certainty:
    return Certainty.KNOWN if surely_random(value) else Certainty.NAMED


def _is_password(match: re.Match[str], value: str, quoted: bool, after: str) -> bool:
    """Whether the value beside the label of a password is one, not code, a word of a sentence or a placeholder."""
    name, separator = match["password"], match["sep"]
    if len(value) < 4 or stands_for(value) or set(value) <= set("*x.•-_ ="):
        return False
    lower = name.lower()
    if lower.endswith(("pwd", "pass")) and _is_place(value):
        return False
    if quoted:
        if match["open"].startswith("`") and wordlike(value):
            return False
        talk = value.count(" ") > 1 and bool(re.search(r"(?i)pass|enter|must|should|please|[.?!:]$", value))
        return not talk and not value.rstrip().endswith(":") and not _is_form(separator, value)
    if is_code(value) or after in ("(", "["):
        return False
    mixed = bool(re.search("[A-Za-z]", value) and re.search(r"[0-9]|[^\w\s.:/-]", value)) and not wordlike(value)
    plain = separator.strip() in ("=", ":=", "=>", "==")
    if lower == "pass":
        return plain and bool(mixed)
    if plain and " " not in separator:
        constant = match.string[: match.start("password")].endswith("_") or name.isupper() or "$" not in value
        return mixed or (value.isdigit() or not wordlike(value) or (constant and after not in (",", ")")))
    if separator.strip() in (">", "is", "is:") or "→" in separator:
        return mixed or ">" in separator or bool(re.search(r"[A-Za-z]", value) and re.search(r"\d", value))
    return mixed or value.isdigit() or looks_random(value) or bool(re.search(r"\d", value) and len(parts_of(value)) < 4)


def parts_of(value: str) -> list[str]:
    return re.split(r"[\s_.-]+", value)


def _is_place(value: str) -> bool:
    """Whether a value behind `PWD=` or `pwd:` is a folder, or the time at the right of a prompt."""
    return bool(re.match(r"[/~.]|[0-2]?\d:[0-5]\d(?!\w)|[A-Za-z]:\\|%", value))


def _is_form(separator: str, value: str) -> bool:
    """Whether the value is a label or a rule of a form's field, such as `password: Enter your password`."""
    return separator.strip() in (":", "=>") and bool(re.fullmatch(r"[A-Z][a-z]+(?: [a-z]+){1,8}[.:!]?", value))


def _is_secret(match: re.Match[str], value: str, quoted: bool, after: str) -> bool:
    """Whether the value beside the label of a token or key is one: it has to look random."""
    if (
        stands_for(value)
        or value[0] in "([{,"
        or " " in value
        or (not quoted and (is_code(value) or after in ("(", "[")))
    ):
        return False
    if match["sep"].strip() in ("is", "is:", "") and not looks_random(value):
        return False
    if re.fullmatch(r"[\w.-]+\.(?:py|js|ts|json|ya?ml|toml|txt|md|pem|key|sh|rs|go)", value):
        return False
    constant = match["secret"].isupper() and match["sep"] == "="
    return looks_random(value) or (constant and len(value) >= 8 and value.isalnum() and not wordlike(value))


def codes(text: str) -> Iterator[Span]:
    """PINs, one-time codes, the three digits at a card's back, recovery codes."""
    for shape, kind in ((_PIN, "PIN or code"), (_CVV, "card check"), (_RECOVERY, "PIN or code")):
        for match in shape.finditer(text):
            yield Span(*match.span("value"), kind)


def asks_for_password(line: str) -> bool:
    """True if a program asks for a password in this line, so that what is typed after it is a secret."""
    end = line[-200:]
    return _ASKS.search(end) is not None and _SHELL.search(end) is None


def asks(prompt: str) -> bool:
    """True for a text that ends as a question does, in any language; a shell's prompt is not one."""
    ask = prompt.rstrip()
    shell = ask.endswith(">") and not ask[:-1].strip().isalpha()
    return bool(ask) and ask[-1] in _QUESTION_ENDS and not shell
