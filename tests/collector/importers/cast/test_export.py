"""A session given back as an asciicast: by the published format, and nothing is lost on the way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.terminal.cast import CastEvent, open_cast
from goaltrace import main
from manifests.session import SessionFolder

DRY = ImportOptions(render=False)


def validate(path: Path) -> None:
    """Strict checks of the published asciicast v2 and v3 formats."""
    raw = path.read_bytes()
    assert raw.endswith(b"\n") and b"\r" not in raw
    lines = raw.decode("utf-8").splitlines()
    header: dict[str, Any] = json.loads(lines[0])
    version = header["version"]
    common = {"version", "timestamp", "idle_time_limit", "command", "title", "env"}
    assert set(header) <= common | ({"term", "tags"} if version == 3 else {"width", "height", "theme", "duration"})
    size = (header["term"]["cols"], header["term"]["rows"]) if version == 3 else (header["width"], header["height"])
    assert all(type(value) is int and value > 0 for value in size)
    if version == 3:
        assert set(header["term"]) <= {"cols", "rows", "type", "version", "theme"}
    theme = header["term"].get("theme") if version == 3 else header.get("theme")
    if theme:
        assert {"fg", "bg", "palette"} >= set(theme) and len(theme.get("palette", "").split(":")) in (1, 8, 16)
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in header.get("env", {}).items())
    last = 0.0
    for line in lines[1:]:
        event = json.loads(line)
        assert isinstance(event, list) and len(event) == 3
        time, code, data = event
        assert type(time) in (int, float) and time >= (0 if version == 3 else last)
        last = time
        assert code in ("oimrx" if version == 3 else "oimr") and type(data) is str
        if code == "r":
            assert all(part.isdecimal() for part in data.split("x")) and data.count("x") == 1
        if code == "x":
            assert data.isdecimal()


def everything(path: Path) -> tuple[int, int, list[CastEvent]]:
    cast = open_cast(path)
    return cast.columns, cast.rows, list(cast.events())


def there_and_back(path: Path, folder: Path) -> None:
    entry = import_cast(path, folder / "one", DRY)
    assert entry.state == "imported"
    session = SessionFolder(entry.session)
    assert everything(session.cast) == everything(path)
    out = folder / f"{path.stem}.cast"
    assert main(["export", "cast", str(session.path), "--out", str(out)]) == 0
    validate(out)
    assert everything(out) == everything(path)
    again = import_cast(out, folder / "two", DRY)
    second = SessionFolder(again.session)
    assert everything(second.cast) == everything(path)
    assert second.actions() == session.actions()
    older = folder / f"{path.stem}-v2.cast"
    assert main(["export", "cast", str(session.path), "--out", str(older), "--format", "v2"]) == 0
    validate(older)
    columns, rows, events = everything(path)
    assert everything(older) == (columns, rows, [event for event in events if event.code != "x"])


@pytest.mark.needs("shared")
def test_the_shared_casts_come_back_as_they_were(tmp_path: Path, shared_data: Path) -> None:
    casts = sorted((shared_data / "casts").glob("*.cast"))
    assert len(casts) == 21
    for path in casts:
        there_and_back(path, tmp_path / path.stem)


def test_export_overwrites_nothing_and_names_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 2, "width": 80, "height": 24}\n[1, "o", "a"]\n')
    session = import_cast(path, tmp_path / "out", DRY).session
    assert main(["export", "cast", str(session), "--out", str(path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["export", "cast", str(tmp_path), "--out", str(tmp_path / "b.cast")]) == 2
    assert "not a session folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("theme", "kept"),
    [
        ({"fg": "#aaaaaa", "bg": "#111111", "palette": ":".join(["#123456"] * 16)}, True),
        ({"fg": "#aaaaaa", "bg": "#111111"}, False), ({"fg": "white", "bg": "000000", "palette": ""}, False),
        ({"fg": "#aaaaaa", "bg": "#111111", "palette": ":".join(["#123456"] * 9)}, False),
    ],
)  # fmt: skip
def test_what_makes_other_tools_refuse_a_header_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], theme: dict[str, str], kept: bool
) -> None:
    header = {"version": 3, "term": {"cols": 80, "rows": 24, "theme": theme}, "tags": ["demo"]}
    (tmp_path / "a.cast").write_text(json.dumps(header) + '\n[1, "o", "a"]\n')
    session = import_cast(tmp_path / "a.cast", tmp_path / "out", DRY).session
    for version in ("v3", "v2"):
        out = tmp_path / f"{version}.cast"
        assert main(["export", "cast", str(session), "--out", str(out), "--format", version]) == 0
        validate(out)
        assert ("theme" in out.read_text().partition("\n")[0]) == kept
        said = capsys.readouterr().out
        assert ("the theme is left out" in said) != kept and ("the tags are left out" in said) == (version == "v2")
