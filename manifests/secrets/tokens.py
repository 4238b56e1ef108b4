# ruff: noqa: E501 (a pattern is read in one line)
"""Detecting secrets by their form alone: tokens with a known prefix, password hashes, signed URLs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from manifests.secrets.spans import Certainty, Span

_FREE = r"(?<![A-Za-z0-9])"
_TOKENS: list[tuple[str, tuple[str, ...], str]] = [
    ("AWS key", ("akia", "asia", "abia", "acca"), r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat"), r"gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}"),
    ("GitLab token", ("glpat", "gldt", "glptt", "glft", "gloas", "glsoat", "glcbt", "glimt", "glagent", "glrt", "gr1348941"), rf"{_FREE}(?:gl(?:pat|dt|ptt|ft|oas|soat|cbt|imt|agent|rt)|GR1348941)-?[\w-]{{16,255}}"),
    ("Slack token", ("xox", "xapp", "hooks.slack"),
     r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}|hooks\.slack\.com/services/[\w/]{20,255}"),
    ("Google key", ("aiza", "ya29", "gocspx", "1//0"),
     r"AIza[\w-]{30,60}|ya29\.[\w-]{20,1000}|GOCSPX-[\w-]{20,60}|(?<!\w)1//0[\w-]{30,200}"),
    ("API key", ("sk-", "k_live", "k_test", "whsec_"),
     rf"{_FREE}(?:sk-(?=[\w-]{{0,255}}\d)(?=[\w-]{{0,255}}[A-Za-z])[\w-]{{16,255}}"
     r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[\w+/=-]{24,100})"),
    ("API key", ("hf_", "npm_", "pypi-", "sg.", "dckr_", "shpat", "shpca", "shppa", "shpss", "o_v1", "p_v1", "r_v1", "age-secret", "hvs.", "hvb.", "hvr.",
                 "gsk_", "dapi", "tskey"),
     rf"{_FREE}(?:hf_[A-Za-z0-9]{{20,255}}|npm_[A-Za-z0-9]{{30,255}}|pypi-[\w-]{{16,1000}}"
     r"|SG\.[\w-]{16,64}\.[\w-]{16,64}|dckr_[po]at_[\w-]{20,64}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"
     r"|do[opr]_v1_[a-f0-9]{64}|AGE-SECRET-KEY-1[A-Z0-9]{50,70}|hv[sbr]\.[\w-]{20,255}|gsk_[A-Za-z0-9]{30,255}"
     r"|dapi[a-f0-9]{32}|tskey-[\w-]{20,255})"),
    ("API key", ("xai-", "r8_", "pplx-", "nvapi-", "lin_api", "secret_", "ntn_", "figd_", "pmak-", "nrak-", "glc_",
                 "glsa_", "dp.", "pul-", "rubygems_", "atat", "sntry", "xkeysib", "apify", "pat-", "sbp_", "fm2_",
                 "sq0", "phx_", "tvly-", "fc-", "ops_", "cfpat-"),
     rf"{_FREE}(?:(?:xai|pplx|nvapi|tvly)-[\w-]{{24,255}}|r8_[A-Za-z0-9]{{30,60}}|lin_api_\w{{30,60}}"
     r"|(?:secret|ntn)_[A-Za-z0-9]{40,60}|figd_[\w-]{30,60}|PMAK-[a-f0-9-]{40,80}|NRAK-[A-Z0-9]{27}"
     r"|gl(?:c|sa)_[\w+/=]{30,255}|dp\.(?:pt|st|ct|sa)\.[\w.]{30,80}|pul-[a-f0-9]{40}|rubygems_[a-f0-9]{48}"
     r"|AT(?:AT|CT)T3x[\w=-]{40,300}|sntry[su]_[\w+/=]{40,400}|xkeysib-[a-f0-9]{40,80}-\w{16}|apify_api_\w{30,50}"
     r"|pat-(?:na|eu)1-[a-f0-9-]{36}|sbp_[a-f0-9]{40}|fm2_[\w+/=]{40,1000}|sq0(?:atp|csp|idp)-[\w-]{22,60}"
     r"|phx_\w{40,60}|fc-[a-f0-9]{32}|ops_eyJ[\w-]{40,2000}|CFPAT-[\w-]{40,60})"),
    ("API key", (":aa",), r"(?<![\w:])\d{8,10}:AA[\w-]{32,34}(?![\w-])"),
    ("API key", ("SK", "AC"), r"(?<![A-Za-z0-9])(?:SK|AC)[a-f0-9]{32}(?![A-Za-z0-9])"),
    ("API key", ("key-", "-us"), r"(?<![\w-])(?:key-[a-f0-9]{32}|[a-f0-9]{32}-us\d{1,2})(?![\w-])"),
    ("API key", ("q~",), r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    ("API key", (".",), r"(?<![\w.-])[MNO][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w.-])"),
    ("API key", ("webhook",), r"(?:discord(?:app)?\.com/api/webhooks/|\.webhook\.office\.com/webhookb2/)[\w@/-]{30,300}"),
    ("JWT", ("eyj",), r"eyJ[\w-]{8,4000}\.[\w-]{8,4000}\.[\w-]{0,4000}"),
    ("signed link", ("sig=", "signature=", "x-amz-security", "x-amz-credential"),
     r"(?i)(?:[?&;\"' ]|%26)(?:sig|signature|x-(?:amz|goog)-(?:signature|security-token|credential))(?:=|%3D)"
     r"(?P<v>(?=[\w%+/=~.-]{0,4000}\d)[\w%+/=~.-]{20,4000})"),
    ("hash of a password", ("$argon2", "$2", "$1$", "$5$", "$6$", "$y$", "$7$", "$apr1$", "$scrypt", "$pbkdf2"),
     r"(?:argon2:)?\$argon2(?:id|i|d)\$(?:v=\d{1,3}\$)?[\w=,]{1,60}\$[\w+/=-]{4,200}(?:\$[\w+/=-]{8,300})?"
     r"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{31,53}"
     r"|\$(?:1|5|6|7|y|gy|apr1|sha1)\$(?:[\w=,./]{1,40}\$)?[\w./]{1,64}\$[./A-Za-z0-9]{20,90}"
     r"|\$(?:scrypt|pbkdf2-?\w{0,12})\$[\w=,]{1,60}\$[\w+/=.]{4,200}\$[\w+/=.]{8,300}"),
    ("hash of a password", ("pbkdf2", "scrypt:", "bcrypt", "{ss", "{sha", "{crypt", "{pbk", "sha1:"),
     r"\bpbkdf2[:_]sha\d{1,3}[:$]\d{1,8}\$[\w+/=.-]{4,100}\$[\w+/=]{16,200}|\bscrypt:\d{1,8}:\d{1,3}:\d{1,3}\$[\w+/=]{4,60}"
     r"\$[a-f0-9]{32,200}|\{(?:S?SHA(?:\d{3})?|SSHA|CRYPT|PBKDF2\w{0,8})\}[\w+/=$.]{20,200}"
     r"|\bsha1:[a-f0-9]{8,40}:[a-f0-9]{40}(?![a-f0-9])"),
]  # fmt: skip
_COMPILED = [
    (kind, [t for t in triggers if t.islower() or not t.isalpha()], [t for t in triggers if t.isupper() and t.isalpha()],
     re.compile(shape))
    for kind, triggers, shape in _TOKENS
]  # fmt: skip
"""Substrings, one of which every token holds: in lower case, or exactly so."""
TRIGGERS = frozenset(trigger for _, triggers, _ in _TOKENS for trigger in triggers)
_WALLET = re.compile(r"(?<![A-Za-z0-9])[5KL][1-9A-HJ-NP-Za-km-z]{50,51}(?![A-Za-z0-9])")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def tokens(text: str, lower: str) -> Iterator[Span]:
    """Tokens and hashes in `text`; `lower` is the same in small letters."""
    for kind, begins, exactly, shape in _COMPILED:
        for trigger in begins:
            if trigger in lower:
                break
        else:
            if not any(trigger in text for trigger in exactly):
                continue
        for match in shape.finditer(text):
            group = match.lastgroup or 0
            value = match[group]
            if "example" in value.lower() and "-" in value:  # sk-your-example-key
                continue
            yield Span(*match.span(group), kind, Certainty.KNOWN)
    for match in _WALLET.finditer(text):
        if _checked(match[0]):
            yield Span(*match.span(), "private key", Certainty.KNOWN)


def _checked(text: str) -> bool:
    """Base58Check: the last four bytes are the beginning of the others' hash."""
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    raw = number.to_bytes(max(5, (number.bit_length() + 7) // 8), "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
