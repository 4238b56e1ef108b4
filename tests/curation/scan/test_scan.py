"""`goaltrace scan`: what is sensitive in a data set is found wherever it stands, shown nowhere, masked everywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from curation.scan.clips import clips_of
from curation.scan.mask import mask
from curation.scan.session import ScanOptions
from curation.scan.stage import sessions_of
from goaltrace import main
from manifests.clip_io import ClipReader
from manifests.dataset import DatasetFolder
from manifests.secrets import MASK
from manifests.session import IN_CLEAR
from manifests.video import decode
from tests.collector.importers.cast.test_corpus import WAYS
from tests.curation.scan.recordings import recorded, typed
from tests.factories import make_clip, write_dataset
from tests.manifests.secrets.innocent import innocent
from tests.manifests.secrets.planted import Planted, planted

TOKEN = "ghp_" + "A1b2C3d4" * 5
IN_NO_CLIP = "_entitled"
"""The way of the corpus that puts secrets into titles, of which clips hold nothing."""


def columns(dataset: Path) -> Iterator[tuple[str, str]]:
    """Session and text of each of a data set's clips."""
    reader = ClipReader(dataset)
    for clip_id in reader.clip_ids():
        row = reader.read(clip_id)
        yield row["session_id"], text_of(row)


def text_of(row: dict[str, Any]) -> str:
    """Everything that stands in a clip, rows of screens also joined."""
    keys = "".join(action["char"] or "" for action in row["actions"])
    screens = "\n".join(row["screen_text"])
    words = [value for value in row.values() if isinstance(value, str)] + row["start_keys"] + row["invalid_reasons"]
    return "\n".join([keys, screens, screens.replace("\n", ""), *words])


def left(one: Planted, text: str) -> bool:
    """Whether seven characters in a row of a secret stand in a text."""
    pieces = [one.secret[at : at + 7] for at in range(max(1, len(one.secret) - 6))]
    return any(piece in text for piece in pieces if piece not in ".example")


def masked(dataset: Path, *more: str) -> Path:
    out = dataset.parent / "masked"
    assert main(["scan", str(dataset), "--mask", "--out", str(out), *more]) == 0
    return out


def test_no_planted_secret_is_left_in_a_masked_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(11)
    sessions: dict[str, list[tuple[str, str]]] = {}
    where: list[tuple[str, Planted]] = []
    ways = [way for way in WAYS if way.__name__ != IN_NO_CLIP]
    for number, one in enumerate(planted(seed=20, rounds=2)[::2] + planted(seed=21, rounds=1)[:20]):
        name = f"{ways[number % len(ways)].__name__.strip('_')}{number // 80}"
        sessions.setdefault(name, []).extend([*ways[number % len(ways)](one, chance), ("o", "\r\n")])
        where.append((name, one))
    dataset = recorded(tmp_path, sessions)
    before, after = dict[str, str](), dict[str, str]()
    left_out: list[str] = []
    for clip_ids in sessions_of(dataset).values():  # as --mask does, but for the pixels, which have their own tests
        rows = clips_of(dataset, clip_ids)
        made = mask(rows, ScanOptions())
        left_out += [clip_id for clip_id, one in made.items() if one.left_out]
        for texts, some in ((before, rows), (after, [row | made[row["clip_id"]].columns for row in rows])):
            name = rows[0]["session_id"].rpartition("-")[0]
            texts[name] = "".join(map(text_of, some))
    assert all(left(one, before[name]) for name, one in where)
    still = [f"{name} {one.kind}: {one.line}" for name, one in where if left(one, after[name])]
    capsys.readouterr()
    with capsys.disabled():
        print(f"\nscan --mask: {len(where)} secrets, {len(still)} left, {len(left_out)} clips left out")
    assert len(where) >= 150
    assert not still, "\n".join(still)
    assert not left_out


def test_hardly_an_innocent_line_is_masked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = innocent(seed=23, rounds=20)
    events: list[tuple[str, str]] = [("o", f"{line}\r\n") for line in lines]
    dataset = recorded(tmp_path, {"innocent": events}, columns=160, fps=2.0, step_s=0.04)
    found = main(["scan", str(dataset)]) == 1
    after = {line for _, text in columns(masked(dataset)) for line in text.split("\n")} if found else set()
    touched = sum(MASK in line for line in after)
    capsys.readouterr()
    with capsys.disabled():
        print(f"\nscan --mask: {len(lines)} innocent lines, {touched} touched")
    assert len(lines) >= 2000
    assert touched <= len(lines) * 0.005


def test_what_is_reported_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = recorded(tmp_path, {"a": [("o", "$ "), *typed(f"export KEY={TOKEN}"), ("i", "\r"), ("o", "\r\n$ ")]})
    assert main(["scan", str(dataset)]) == 1
    assert main(["scan", str(dataset), "--json"]) == 1
    said = capsys.readouterr()
    table = str(pq.read_table(dataset / DatasetFolder(dataset).read_manifest().scores[0].shard.path).to_pylist())
    for text in (said.out, said.err, table, (dataset / "dataset.json").read_text()):
        assert not left(Planted("token", TOKEN, ""), text)
    assert "GitHub token" in said.out
    assert "'actions'" in table and "'screen_text'" in table


def test_a_password_that_the_terminal_did_not_show_is_masked_in_the_keys(tmp_path: Path) -> None:
    asked = [("o", "$ "), *typed("login"), ("i", "\r"), ("o", "\r\nSecret word: ")]
    hidden = [*(("i", key) for key in "abrupt-42x"), ("i", "\r"), ("o", "\r\nwelcome\r\n$ "), *typed("ls"), ("i", "\r")]
    dataset = recorded(tmp_path, {"a": [*asked, *hidden, ("o", "\r\nfile\r\n$ ")]})
    (row,) = (ClipReader(masked(dataset)).read(clip_id) for clip_id in ClipReader(dataset).clip_ids())
    keys = [(action["char"], action["redacted"]) for action in row["actions"]]
    assert [char for char, redacted in keys if not redacted] == [*"login\r\rls\r"]
    assert keys.count((None, True)) == len("abrupt-42x")


def test_a_secret_typed_over_two_clips_is_masked_in_both(tmp_path: Path) -> None:
    dataset = recorded(tmp_path, {"a": [("o", "$ "), *typed("x" * 20 + f" {TOKEN}"), ("i", "\r"), ("o", "\r\n$ ")]})
    reader = ClipReader(dataset)
    halves = [[a["char"] for a in reader.read(clip)["actions"]] for clip in reader.clip_ids()]
    assert sum(any(char and char in TOKEN for char in half) for half in halves) > 1
    assert not any(left(Planted("token", TOKEN, ""), text) for _, text in columns(masked(dataset)))


def pictures(dataset: Path) -> list[Any]:
    reader = ClipReader(dataset)
    return [decode(reader.read(clip_id)["video"]["bytes"]) for clip_id in reader.clip_ids()]


def test_masked_pixels_are_dots_and_every_other_pixel_is_as_it_was(tmp_path: Path) -> None:
    dataset = recorded(
        tmp_path, {"a": [("o", f"name  key {TOKEN} end\r\n"), ("o", "$ "), *typed("ls -l"), ("o", "\r\n")]}
    )
    first = len("name  key ") * 8
    for before, after in zip(pictures(dataset), pictures(masked(dataset)), strict=True):
        assert before.shape == after.shape
        other = np.ones(before.shape[1:3], bool)
        other[:16, first : first + 8 * len(TOKEN)] = False
        assert (before[:, other] == after[:, other]).all()
        shown = after[1:, :16, first : first + 8 * len(TOKEN)].reshape(len(after) - 1, 16, len(TOKEN), 8, 3)
        assert (shown == shown[:, :, :1]).all()
        assert np.ptp(shown) > 100


def test_what_a_masked_data_set_shows_does_not_depend_on_the_secret(tmp_path: Path) -> None:
    """But for what lossy coding left beside it: some pixels in a million, by a few steps of 255."""
    made = []
    for number, secret in enumerate((TOKEN, "ghp_" + "Zz9Yy8Xx" * 5)):
        events = [
            ("o", "$ "),
            *typed(f"export KEY={secret}"),
            ("i", "\r"),
            ("o", f"\r\nset {secret}\r\n$ "),
            ("o", "done"),
        ]
        dataset = recorded(tmp_path / str(number), {"a": events})
        out = masked(dataset)
        texts = [text.replace(session, "") for session, text in columns(out)]
        reader = ClipReader(out)
        changed = [reader.read(clip_id)["changed"] for clip_id in reader.clip_ids()]
        made.append((texts, changed, pictures(out)))
    assert made[0][0] == made[1][0]
    assert made[0][1] == made[1][1]
    for one, two in zip(made[0][2], made[1][2], strict=True):
        assert one.shape == two.shape
        assert bool((np.abs(one.astype(int) - two.astype(int)) > 8).mean() < 1e-5)


def test_a_desktop_that_may_show_what_was_typed_is_left_out_from_there_on(tmp_path: Path) -> None:
    rows = [make_clip("scripted", 0, frames=30, session="desk") for _ in range(3)]
    for number, row in enumerate(rows):
        row |= {"clip_id": f"desk-{number:04d}", "clip_index": number}
    nothing = dict.fromkeys(("x", "y", "dx", "dy", "button", "char")) | {"redacted": False, "repeat": False}
    rows[1]["actions"] = [
        nothing | {"t_ns": 10**8 + number, "slot": 2, "ambiguous": False, "kind": kind, "key": char}
        | ({"char": char} if kind == "key_down" else {})
        for number, (char, kind) in enumerate((char, kind) for char in TOKEN for kind in ("key_down", "key_up"))
    ]  # fmt: skip
    dataset = write_dataset(tmp_path / "data", [*rows, make_clip("scripted", 1, frames=30)])
    out = masked(dataset)
    assert ClipReader(out).clip_ids() == ["desk-0000", "scripted-1-0000"]
    reasons = {entry.name: entry.reason for entry in DatasetFolder(out).read_manifest().left_out}
    assert "pixels cannot be read" in reasons["desk-0001"]
    assert "may still show" in reasons["desk-0002"]


def test_a_person_who_typed_a_secret_in_clear_is_left_out_though_the_keys_are_gone(tmp_path: Path) -> None:
    good, told = (make_clip("scripted", seed, frames=30) for seed in range(2))
    told["invalid_reasons"] = [f"{IN_CLEAR}GitHub token; pictures of its session may show it"]
    dataset = write_dataset(tmp_path / "data", [good, told])
    assert main(["scan", str(dataset)]) == 1
    assert ClipReader(masked(dataset)).clip_ids() == [good["clip_id"]]


def test_a_name_that_says_which_clip_it_is_is_never_changed(tmp_path: Path) -> None:
    good, bad = make_clip("scripted", 0, frames=30), make_clip("scripted", 1, frames=30)
    bad["family"] = TOKEN
    dataset = write_dataset(tmp_path / "data", [good, bad])
    assert ClipReader(masked(dataset)).clip_ids() == [good["clip_id"]]


def test_ones_own_list_and_names_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USER", "quilvormun")
    dataset = recorded(tmp_path, {"a": [("o", "project bluefin by quilvormun\r\n"), ("o", "$ "), *typed("ls")]})
    listed = tmp_path / "list.txt"
    listed.write_text("Bluefin\n")
    assert main(["scan", str(dataset), "--keep-names"]) == 0
    assert main(["scan", str(dataset)]) == 1
    assert main(["scan", str(dataset), "--redact", str(listed), "--keep-names"]) == 1
    texts = "".join(text for _, text in columns(masked(dataset, "--redact", str(listed))))
    assert "project ••••••• by ••••••••••" in texts
    published = (dataset / "dataset.json").read_text() + (dataset.parent / "masked" / "dataset.json").read_text()
    assert "luefin" not in published and "quilvormun" not in published
    capsys.readouterr()


def test_select_carries_every_stages_table_under_its_own_name(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "data", [make_clip("scripted", seed, frames=30) for seed in range(4)], 20_000)
    assert main(["score", str(dataset)]) == 0
    assert main(["scan", str(dataset)]) == 0
    out = tmp_path / "few"
    where = "sensitive = 0 AND actions_scored >= 0 AND seed < 3"
    assert main(["select", str(dataset), "--where", where, "--out", str(out)]) == 0
    tables = DatasetFolder(out).read_manifest().scores
    assert {table.name for table in tables} == {"intent", "scan"}
    for table in tables:
        assert pq.read_table(out / table.shard.path).column_names == table.columns
    for command in ("score", "scan"):
        before = (out / "dataset.json").read_bytes()
        assert main([command, str(out)]) == 0
        assert (out / "dataset.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mask"], "--out is missing"),
        (["--out", "x"], "goes with --mask"),
        (["--workers", "-1"], "--workers"),
        (["--redact", "/nowhere/list"], "/nowhere/list"),
    ],
)
def test_a_wrong_flag_is_one_line(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_dataset(tmp_path / "data", [make_clip("scripted", 0, frames=30)])
    assert main(["scan", str(dataset), *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


def test_publish_refuses_what_was_not_scanned_since_it_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = recorded(tmp_path, {"a": [("o", f"key {TOKEN}\r\n"), ("o", "$ "), *typed("ls")]})
    publish = ["publish", str(dataset), "me/clips", "--dry-run", "--license", "mit"]
    assert main(publish) == 2
    assert "goaltrace scan" in capsys.readouterr().err
    assert main([*publish, "--unscanned"]) == 0
    assert main(["scan", str(dataset)]) == 1
    assert main(publish) == 2
    assert "GitHub token" in capsys.readouterr().err
    assert main([*publish, "--with-findings"]) == 0
    clean = masked(dataset)
    publish[1] = str(clean)
    assert main(publish) == 0
    folder = DatasetFolder(clean)
    manifest = folder.read_manifest()
    manifest.scores = []
    folder.write_manifest(manifest)
    assert main(publish) == 2
    capsys.readouterr()


def test_publish_refuses_a_secret_beside_the_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_dataset(tmp_path / "data", [make_clip("scripted", 0, frames=30)])
    assert main(["scan", str(dataset)]) == 0
    (dataset / "README.md").write_text(f"---\nlicense: mit\n---\n# Mine\n\nUse {TOKEN}\n")
    assert main(["publish", str(dataset), "me/clips", "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert "README.md" in error and TOKEN not in error
    (dataset / "README.md").unlink()
    out = tmp_path / "few"
    assert main(["select", str(dataset), "--where", f"goal <> '{TOKEN}'", "--out", str(out)]) == 0
    assert main(["publish", str(out), "me/clips", "--dry-run", "--license", "mit"]) == 2
    error = capsys.readouterr().err
    assert "lineage" in error and TOKEN not in error


def test_a_clip_that_cannot_be_read_is_named_and_the_rest_is_scanned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [make_clip("scripted", seed, frames=30) for seed in range(2)]
    rows[1]["t1_ns"] = rows[1]["t1_ns"][::-1]
    dataset = write_dataset(tmp_path / "data", rows)
    assert main(["scan", str(dataset), "--json"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["damaged"]
    assert rows[1]["clip_id"] in said.err and "Traceback" not in said.err
    assert main(["publish", str(dataset), "me/clips", "--dry-run", "--license", "mit"]) == 2
