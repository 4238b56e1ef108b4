"""Detecting e-mail addresses: a name, an at sign, and a domain whose ending exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manifests.secrets.spans import Certainty, Span

_GENERIC = frozenset(
    "com org net edu gov mil int info biz name pro museum coop aero jobs mobi travel tel cat asia post xxx"
    " app dev cloud online site store shop tech blog space website live world today life email company agency digital"
    " studio design art academy solutions services systems software network media group team works zone one xyz top"
    " club vip icu fun guru expert consulting engineer engineering science academy university school health care clinic"
    " legal law bank finance money capital ventures fund global international berlin hamburg koeln london paris wien"
    " tokyo nyc swiss scot wales bayern nrw ruhr tirol amsterdam brussels quebec boston miami moscow istanbul"
    " social chat news press tv radio video photo photos film movie music games game page link click help support"
    " example test invalid google apple microsoft amazon".split()
)
_COUNTRIES = frozenset(
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd"
    " cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd"
    " ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg"
    " kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv"
    " mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa"
    " sb sc sd se sg sh si sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk"
    " us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw".split()
)
_ADDRESS = re.compile(
    r"(?<![\w.%+@/&-])(?P<name>[A-Za-z0-9][\w.%+-]{0,63})@(?P<domain>[A-Za-z0-9][\w-]{0,62}(?:\.[A-Za-z0-9][\w-]{0,62}){1,8})"
    r"(?![@\w(]|\.\w|-\w)"
)
_HOST = re.compile(r":[~/.]|\s~[/\]>\s]|\s\S{1,60}\]\s?[#$%>]|:~|\[")
"""What follows a user at a host in a prompt and in the paths of scp."""
_LOGS_IN = re.compile(r"(?:^|[\s;&|(`])(?:ssh|scp|sftp|rsync|mosh|ssh-copy-id|autossh|sshfs)\s[^;&|\n]{0,300}$")
_IN_A_URL = re.compile(r"\w://[^\s/@]{0,300}$")
_NOBODY = re.compile(r"(?i)git|svn|hg|no-?reply|do-?not-?reply")


def addresses(text: str) -> Iterator[Span]:
    """Addresses of people: not the users at hosts of prompts, `ssh` and links, not those that nobody reads."""
    for match in _ADDRESS.finditer(text):
        name, domain = match["name"], match["domain"]
        if not plausible(domain) or _NOBODY.fullmatch(name):
            continue
        if len(name) == 1 and len(domain.split(".")[0]) == 1 and domain.rsplit(".", 1)[1] not in _GENERIC:
            continue  # a@b.py: a matrix product
        if _HOST.match(text, match.end()):
            continue
        before = text[max(0, match.start() - 320) : match.start()]
        if _LOGS_IN.search(before) or _IN_A_URL.search(before):
            continue
        yield Span(*match.span(), "e-mail address", Certainty.KNOWN)


def plausible(domain: str) -> bool:
    """Whether a domain ends as domains do, written in one kind of letter."""
    last = domain.rsplit(".", 1)[1]
    return (last.islower() or last.isupper()) and (last.lower() in _GENERIC or last.lower() in _COUNTRIES)
