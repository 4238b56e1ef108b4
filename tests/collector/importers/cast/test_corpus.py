"""A corpus of secrets and of innocent lines, through the whole import: nothing is left, and nearly nothing lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.importers.cast.mask import mask
from collector.terminal.cast import CastEvent, open_cast, write_cast
from manifests.session import SessionFolder
from tests.collector.importers.cast.test_sensitive import shown
from tests.manifests.secrets.innocent import innocent
from tests.manifests.secrets.planted import Planted, planted

Events = list[tuple[str, str]]
_COLUMNS = 100


def imported(
    folder: Path, header: dict[str, object], events: Events, name: str = "a", **options: object
) -> SessionFolder:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.cast"
    header = {"version": 3, "term": {"cols": header.pop("columns", _COLUMNS), "rows": 20}, **header}
    write_cast(path, header, [CastEvent(n * 10**8, code, data) for n, (code, data) in enumerate(events)])
    entry = import_cast(path, folder / "out", ImportOptions(render=False, **options))  # type: ignore[arg-type]
    assert entry.state == "imported", entry
    return SessionFolder(entry.session)


def _typed(one: Planted, chance: random.Random) -> Events:
    return [("o", "$ "), *(e for c in one.line for e in (("i", c), ("o", c))), ("i", "\r"), ("o", "\r\n")]


def _corrected(one: Planted, chance: random.Random) -> Events:
    """A wrong letter in the middle, and taken back; the shell draws what stood there anew."""
    at = one.line.index(one.secret) + len(one.secret) // 2
    before, after = one.line[:at], one.line[at:]
    keys = [
        *(e for c in before for e in (("i", c), ("o", c))),
        ("i", "z"),
        ("o", "z"),
        ("i", "\x7f"),
        ("o", "\b\x1b[K"),
    ]
    return [("o", "$ "), *keys, *(e for c in after for e in (("i", c), ("o", c))), ("i", "\r"), ("o", "\r\n")]


def _pasted(one: Planted, chance: random.Random) -> Events:
    return [
        ("o", "\x1b[?2004h$ "),
        ("i", f"\x1b[200~{one.line}\x1b[201~"),
        ("o", f"\x1b[7m{one.line}\x1b[27m"),
        ("i", "\r"),
        ("o", "\r\n"),
    ]


def _echoed(one: Planted, chance: random.Random) -> Events:
    cut = chance.randrange(len(one.line))
    return [("o", one.line[:cut]), ("o", one.line[cut:] + "\r\n")]


def _coloured(one: Planted, chance: random.Random) -> Events:
    return [("o", "".join(f"\x1b[{31 + n % 6}m{c}" for n, c in enumerate(one.line)) + "\x1b[0m\r\n")]


def _placed(one: Planted, chance: random.Random) -> Events:
    """The second half is written first, as a program does that draws only what changed."""
    at = one.line.index(one.secret) + len(one.secret) // 2
    return [
        ("o", f"\x1b[2J\x1b[5;{at + 1}H{one.line[at:]}"),
        ("o", f"\x1b[5;1H{one.line[:at]}"),
        ("o", "\x1b[20;1H\r\n"),
    ]


def _wrapped(one: Planted, chance: random.Random) -> Events:
    """So that the secret goes over the right edge, by the terminal and by a program of its own."""
    at = one.line.index(one.secret) + len(one.secret) // 2
    pad = "." * ((_COLUMNS - at - 1) % _COLUMNS) + " "
    whole = pad + one.line
    rows = [whole[n : n + _COLUMNS] for n in range(0, len(whole), _COLUMNS)]
    drawn = "".join(f"\x1b[{3 + n};1H{row}" for n, row in enumerate(rows))
    return [("o", whole + "\r\n"), ("o", f"\x1b[2J{drawn}"), ("o", "\x1b[20;1H\r\n")]


def _entitled(one: Planted, chance: random.Random) -> Events:
    return [
        ("o", f"\x1b]0;{one.line}\x07\x1bPtmux;\x1b\x1b]2;{one.line}\x07\x1b\\\x1b_x;{one.line}\x1b\\x"),
        ("m", one.line),
    ]


def _unseen(one: Planted, chance: random.Random) -> Events:
    """Typed or pasted while the terminal does not echo, and later on the screen."""
    if len(one.secret) < 6:
        return _echoed(one, chance)
    prompt = chance.choice(["Password: ", "[sudo] password for x: ", "Geheimwort: ", "Код? "])
    keys: Events = [("i", one.secret)] if chance.random() < 0.5 else [("i", c) for c in one.secret]
    return [("o", prompt), *keys, ("i", "\r"), ("o", "\r\n$ "), ("o", f"x\r\n<{one.secret}>\r\n")]


WAYS: list[Callable[[Planted, random.Random], Events]] = [
    _typed, _corrected, _pasted, _echoed, _coloured, _placed, _wrapped, _entitled, _unseen
]  # fmt: skip


def left(one: Planted, text: str) -> bool:
    pieces = [one.secret[at : at + 7] for at in range(max(1, len(one.secret) - 6))]
    return any(piece in text for piece in pieces)


def test_no_planted_secret_is_left_in_any_column_or_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(11)
    count, remaining = 0, []
    secrets = planted(seed=20, rounds=2)
    for number, one in enumerate(secrets):
        way = WAYS[number % len(WAYS)]
        folder = imported(tmp_path / str(number), {}, way(one, chance))
        count += 1
        if left(one, shown(folder)):
            remaining.append(f"{way.__name__} {one.kind}: {one.line}")
    for number, one in enumerate(secrets[::9]):  # as goal, variable, tag, name of the file
        header = {"title": one.line, "command": one.line, "env": {"LINE": one.line}, "tags": [one.line]}
        name = one.line.replace("/", "_")[:80] if one.kind in ("token", "address", "card", "iban") else "a"
        folder = imported(tmp_path / f"h{number}", header, [("o", "x")], name)
        count += 1
        if left(one, shown(folder)) or left(one, str(folder.path)):
            remaining.append(f"header {one.kind}: {one.line}")
    with capsys.disabled():
        print(f"\n{count} secrets, {len(remaining)} left")
    assert count >= 150
    assert not remaining, "\n".join(remaining)


def test_no_planted_secret_is_left_in_any_way_of_writing_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(13)
    count, remaining = 0, []
    for one in planted(seed=33):
        for way in WAYS:
            path = tmp_path / "a.cast"
            events = [CastEvent(n * 10**8, code, data) for n, (code, data) in enumerate(way(one, chance))]
            write_cast(path, {"version": 3, "term": {"cols": _COLUMNS, "rows": 20}}, events)
            mask(path)
            after = [(event.code, event.data) for event in open_cast(path).events()]
            typed = "".join(data for code, data in after if code == "i")
            count += 1
            if left(one, "\n".join([typed, "".join(data for _, data in after), *(data for _, data in after)])):
                remaining.append(f"{way.__name__} {one.kind}: {one.line}")
    with capsys.disabled():
        print(f"\n{count} secrets, each in {len(WAYS)} ways, {len(remaining)} left")
    assert not remaining, "\n".join(remaining)


def test_hardly_an_innocent_line_is_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = innocent(seed=21, rounds=20)
    events: Events = []
    for number, line in enumerate(lines):
        text = line.replace("\\n", "\\n")
        match number % 4:
            case 0:
                events.append(("o", f"{text}\r\n"))
            case 1:
                events.append(("o", f"\x1b[{number % 18 + 1};1H\x1b[2K\x1b[33m{text}\x1b[0m"))
            case 2:
                events.append(("o", f"\r\x1b[K{text}"))
            case _:
                events += [("i", text), ("i", "\r"), ("o", f"{text}\r\n$ ")]
    folder = imported(tmp_path, {"columns": 160}, events)
    after = [(event.code, event.data) for event in open_cast(folder.cast).events()]
    touched = [(a, b) for (_, a), (_, b) in zip(events, after, strict=True) if a != b]
    with capsys.disabled():
        print(f"\n{len(lines)} innocent lines, {len(touched)} touched")
    assert len(lines) >= 2000
    assert len(touched) <= len(lines) * 0.005, touched[:20]


def test_what_is_masked_is_masked_in_the_pictures_too(tmp_path: Path) -> None:
    """Drawn for certain: a cast with a secret, and one with the masks in its place, have the same pixels."""
    from collector.terminal.render import extent_of, render_cast

    secret = "ghp_" + "A1b2C3d4" * 5
    pictures = []
    for number, text in enumerate((secret, "•" * len(secret))):
        events = [("o", "key "), ("o", text[:9]), ("o", f"{text[9:]}\r\n$ ")]
        cast = open_cast(imported(tmp_path / str(number), {}, events).cast)
        pictures.append([canvas.pixels.tobytes() for _, canvas in render_cast(cast, extent_of(cast), 5)])
    assert pictures[0] == pictures[1]
