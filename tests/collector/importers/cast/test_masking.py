# ruff: noqa: E501 (a recording is written in one line)
"""Masking takes what is secret and leaves the rest: faults that were found in other people's casts, and their siblings."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from collector.commands import import_cast as command
from collector.importers.cast.convert import ImportOptions, import_cast
from collector.terminal.cast import CastEvent, open_cast, write_cast
from goaltrace import main
from manifests.session import SessionFolder
from tests.collector.importers.cast.test_sensitive import imported, shown

FAULTS = Path(__file__).resolve().parents[5] / "shared" / "data" / "faults"
_TOKEN = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
Events = list[tuple[str, str]]


def datas(folder: SessionFolder) -> list[str]:
    return [event.data for event in open_cast(folder.cast).events()]


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("01-word-inside-word", ()), ("02-escaped-newline", ()), ("03-code-not-value", ()), ("04-redrawn-word", ("a@mail.com",)),
        ("12-hash-after-comma", ("c2FsdHNhbHQxMjM0", "ZmFrZWhhc2hmYWtl", "10240")),
    ],
)  # fmt: skip
def test_casts_that_went_wrong_lose_what_is_secret_and_nothing_else(
    tmp_path: Path, name: str, gone: tuple[str, ...]
) -> None:
    path = FAULTS / f"{name}.cast"
    entry = import_cast(path, tmp_path, ImportOptions(render=False))
    folder = SessionFolder(entry.session)
    text = shown(folder)
    assert not any(secret in text for secret in gone)
    before = [event.data for event in open_cast(path).events()]
    changed = [(a, b) for a, b in zip(before, datas(folder), strict=True) if a != b]
    assert len(changed) == (1 if gone else 0), changed
    if name.startswith("04"):
        assert changed[0][1] == "$ git config user.email ••••••••••"


def test_a_value_that_was_only_assumed_is_not_spread(tmp_path: Path) -> None:
    said = ["export TOKEN_NAME=x PASSWORD=tokenizer9\r\n", "pip install tokenizer9\r\n", "tokenizer9 is fast\r\n"]
    after = datas(imported(tmp_path, [("o", text) for text in said]))
    assert "tokenizer9" not in after[0] and after[1:] == said[1:]


def test_words_are_not_joined_over_movements_of_the_cursor(tmp_path: Path) -> None:
    said = ["a@mail\x1b[10C.com\r\n", "pass\x1b[5;30Hword=hunter2x\r\n", "\x1b[2J\x1b[H"]
    assert datas(imported(tmp_path, [("o", text) for text in said])) == said


def test_a_table_as_wide_as_the_screen_is_not_read_as_one_line(tmp_path: Path) -> None:
    rows = [f"│{'x' * 30} jo@nine│", f"│ .com{' ' * 33}│"]
    said = [f"\x1b[{n + 1};1H{row}" for n, row in enumerate(rows)]
    assert datas(imported(tmp_path, [("o", text) for text in said], columns=40)) == said


def test_text_wrapped_inside_a_pane_is_read_as_it_is_wrapped(tmp_path: Path) -> None:
    halves = [_TOKEN[:20], _TOKEN[20:]]
    said = "".join(f"\x1b[{n + 2};1H{'left'.ljust(20)}│{half}" for n, half in enumerate(halves))
    text = shown(imported(tmp_path, [("o", "\x1b[2J"), ("o", said)], columns=41))
    assert halves[0] not in text and halves[1] not in text


def test_a_command_line_that_speaks_of_passwords_is_no_password_prompt(tmp_path: Path) -> None:
    typed = [event for c in "grep -i password: notes" for event in (("i", c), ("o", c))]
    folder = imported(tmp_path, [("o", "$ "), *typed, ("i", "\r"), ("o", "\r\n$ "), ("i", "l"), ("o", "l")])
    assert not any(action.redacted for action in folder.actions())


@pytest.mark.parametrize("echoed", [True, False])
def test_a_pin_is_masked_in_the_keys_and_on_the_screen(tmp_path: Path, echoed: bool) -> None:
    keys: Events = [e for c in "4821" for e in ((("i", c), ("o", c)) if echoed else (("i", c),))]
    folder = imported(tmp_path, [("o", "PIN: "), *keys, ("i", "\r"), ("o", "\r\nok\r\nport 4821x\r\n")])
    assert [action.key for action in folder.actions()] == [None] * 4 + ["Return"]
    text = "".join(datas(folder))
    assert "PIN: 4821" not in text and "4821x" in text


def test_an_answer_that_is_echoed_letter_by_letter_is_masked_with_its_corrections(tmp_path: Path) -> None:
    keys: Events = [e for c in "geheimx" for e in (("i", c), ("o", c))]
    keys += [("i", "\x7f"), ("o", "\b \b"), ("i", "9"), ("o", "9"), ("i", "\r"), ("o", "\r\nok\r\n")]
    folder = imported(tmp_path, [("o", "Passwort: "), *keys])
    assert "geh" not in shown(folder) and "ok" in shown(folder)


@pytest.mark.parametrize(
    "pasted", ["\x1b[200~Vo!rsa851\x1b[201~", "Vo!rsa851", "\x1b[86u\x1b[111u\x1b[33u\x1b[114u\x1b[115u\x1b[97u\x1b[56u\x1b[53u\x1b[49u"]
)  # fmt: skip
@pytest.mark.parametrize("prompt", ["Password: ", "Hasło do konta: "])
def test_a_password_that_is_pasted_or_sent_as_numbers_is_masked(tmp_path: Path, pasted: str, prompt: str) -> None:
    folder = imported(tmp_path, [("o", prompt), ("i", pasted), ("i", "\r"), ("o", "\r\n$ "), ("o", "Vo!rsa851")])
    text = shown(folder)
    assert "Vo!rsa851" not in text and "\\u001b[111u" not in text
    assert all(
        action.redacted
        for action in folder.actions()
        if action.key != "Return" and action.char and action.char[0] != "\x1b"
    )


_REPORTS = {
    "osc7": "\x1b]7;file://nine-7/home/quilzan/w\x07", "osc7-st": "\x1b]7;file://nine-7/home/quilzan\x1b\\",
    "osc1337": "\x1b]1337;RemoteHost=quilzan@nine-7\x07\x1b]1337;CurrentDir=/home/quilzan/w\x07",
    "osc0": "\x1b]0;quilzan@nine-7: ~/w\x07", "osc2": "\x1b]2;quilzan@nine-7:/home/quilzan\x07",
    "osc633": "\x1b]633;P;Cwd=/home/quilzan/w\x07\x1b]633;E;cd /home/quilzan\x07",
    "osc777": "\x1b]777;notify;quilzan@nine-7;done\x07",
    "osc3008": "\x1b]3008;start=ab12;user=quilzan;hostname=nine-7;cwd=/home/quilzan;machineid=" + "3deb5353d3ba43d08201c136a47ead7b\x1b\\",
    "tmux": "\x1bPtmux;\x1b\x1b]7;file://nine-7/home/quilzan/w\x07\x1b\\", "apc": "\x1b_quilzan@nine-7: /home/quilzan\x1b\\",
    "uservar": "\x1b]1337;SetUserVar=who=" + base64.b64encode(b"quilzan@nine-7").decode() + "\x07",
    "percent": "\x1b]7;kitty-shell-cwd://nine-7/home%2Fquilzan/w\x07",
    "split": "\x1b]7;file://nine-7/home/qui|lzan/w\x07",
}  # fmt: skip


@pytest.mark.parametrize("report", _REPORTS.values(), ids=_REPORTS)
def test_names_that_a_terminal_is_told_are_masked_there_and_where_names_stand(tmp_path: Path, report: str) -> None:
    said: Events = [("o", part) for part in report.split("|")]
    folder = imported(tmp_path, [*said, ("o", "quilzan@nine-7:~$ pwd\r\n/home/quilzan\r\n$ echo quilzans")])
    text = "".join(datas(folder))
    for hidden in (
        "quilzan/",
        "quilzan@",
        "@nine-7",
        "user=quilzan",
        "3deb5353",
        base64.b64encode(b"quilzan@nine-7").decode(),
    ):
        if hidden != "@nine-7" or "nine-7" in report:
            assert hidden not in text, text
    assert "echo quilzans" in text


def test_names_in_the_header_are_masked_and_keep_names_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    env = {"USER": "quilzan", "HOME": "/home/quilzan", "HOSTNAME": "nine-7", "SHELL": "/bin/bash", "TERM": "xterm"}
    header = {"version": 3, "term": {"cols": 80, "rows": 24}, "env": env, "title": "quilzan@nine-7: ~"}
    write_cast(path, header, [CastEvent(0, "o", "hi")])
    masked = SessionFolder(import_cast(path, tmp_path / "m", ImportOptions(render=False)).session)
    assert "quilzan" not in shown(masked) and "nine-7" not in shown(masked) and "/bin/bash" in shown(masked)
    kept = SessionFolder(import_cast(path, tmp_path / "k", ImportOptions(render=False, keep_names=True)).session)
    assert open_cast(kept.cast).header["env"] == env


def test_names_of_this_machine_are_masked_by_default_and_a_list_is_masked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", "/home/quilzan")
    monkeypatch.setattr("socket.gethostname", lambda: "nine-7.lan")
    path, listed = tmp_path / "a.cast", tmp_path / "list.txt"
    path.write_text(
        '{"version": 2, "width": 80, "height": 24}\n' + json.dumps([0, "o", "quilzan on nine-7: Orbit NINE"]) + "\n"
    )
    listed.write_text("orbit nine\n")
    common = ["import", "cast", str(path), "--no-render", "--json"]

    def text(*more: str) -> str:
        assert main([*common, *more]) == 0
        return "".join(datas(SessionFolder(Path(json.loads(capsys.readouterr().out)["casts"][0]["session"]))))

    assert text("--out", str(tmp_path / "1")) == "••••••• on ••••••: Orbit NINE"
    assert text("--out", str(tmp_path / "2"), "--redact", str(listed)) == "••••••• on ••••••: ••••••••••"
    assert text("--out", str(tmp_path / "3"), "--keep-names") == "quilzan on nine-7: Orbit NINE"
    assert main([*common, "--out", str(tmp_path / "4"), "--redact", str(tmp_path / "none")]) != 0
    assert capsys.readouterr().err.count("\n") == 1


def test_the_options_are_told_by_help() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    command.configure(parser)
    assert "--redact FILE" in parser.format_help() and "--keep-names" in parser.format_help()
