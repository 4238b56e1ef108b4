"""Every secret of the corpus, drawn in every way, and looked for in the pixels of the imported cast."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from collector.terminal.cast import Cast, CastEvent, open_cast, write_cast
from tests.collector.importers.cast.glyphs import Reader
from tests.collector.importers.cast.test_corpus import WAYS, imported, left
from tests.manifests.secrets.planted import Planted, planted

_FPS, _STEP = 10, 10**8
_ROUNDS = 3
"""Casts in which every secret comes once, each time in another way."""


def test_no_planted_secret_can_be_read_from_the_pixels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(tmp_path)
    chance = random.Random(12)
    before, after = 0, list[str]()
    secrets = planted(seed=50, rounds=1)
    for round_ in range(_ROUNDS):
        events: list[tuple[str, str]] = []
        shown: list[tuple[int, Planted, str]] = []
        for number, one in enumerate(secrets):
            way = WAYS[(number + 3 * round_) % len(WAYS)]
            shown.append((len(events), one, way.__name__))
            events += [*way(one, chance), ("o", "\x1b[0m\x1b[2J\x1b[H")]
        folder = imported(tmp_path / str(round_), {}, events)
        plain = tmp_path / f"{round_}.cast"
        write_cast(
            plain, {"version": 3, "term": {"cols": 100, "rows": 20}},
            [CastEvent(number * _STEP, code, data) for number, (code, data) in enumerate(events)],
        )  # fmt: skip
        before += len(_readable(reader, open_cast(plain), shown))
        after += _readable(reader, open_cast(folder.cast), shown)
    with capsys.disabled():
        print(f"\n{before} secrets in the pixels of {_ROUNDS * len(secrets)} before, {len(after)} after")
    assert before >= 150
    assert not after, "\n".join(after)


def _readable(reader: Reader, cast: Cast, shown: list[tuple[int, Planted, str]]) -> list[str]:
    """The secrets that can be read while they are drawn: in a row, or over the edge of one."""
    found: dict[int, str] = {}
    current = 0
    for t_ns, rows in reader.screens(cast, _FPS):
        while current + 1 < len(shown) and shown[current + 1][0] * _STEP <= t_ns:
            current += 1
        _, one, way = shown[current]
        text = "".join(row.replace(" ", "") for row in rows)
        bare = one._replace(secret=one.secret.replace(" ", ""))
        if current not in found and left(bare, text):
            found[current] = f"{way} {one.kind}: {one.line}"
    return list(found.values())
