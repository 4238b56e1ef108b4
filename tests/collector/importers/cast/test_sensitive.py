"""What is secret is masked in the events and on the screen, however its text was put there."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.importers.cast.convert import ImportOptions, import_cast
from collector.terminal.cast import CastEvent, open_cast, parse_size, write_cast
from collector.terminal.screen import Screen
from manifests.secrets import find
from manifests.session import SessionFolder
from tests.depth import examples

SECRETS = [
    "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8",
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdefABCDEF123",
    "sk-proj-Abc123Def456Ghi789Jkl",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27u",
    "someone.else@mail.example.org",
]
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f]")


def imported(folder: Path, events: list[tuple[str, str]], columns: int = 80, **options: object) -> SessionFolder:
    path = folder / "a.cast"
    header = {"version": 3, "term": {"cols": columns, "rows": 12}}
    write_cast(path, header, [CastEvent(n * 10**8, code, data) for n, (code, data) in enumerate(events)])
    entry = import_cast(path, folder / "out", ImportOptions(render=False, **options))  # type: ignore[arg-type]
    assert entry.state == "imported", entry
    return SessionFolder(entry.session)


def shown(folder: SessionFolder) -> str:
    """All that can be read: the files, the bytes less control sequences, and the screen after every event."""
    cast = open_cast(folder.cast)
    screen = Screen(cast.columns, cast.rows)
    texts = [
        folder.cast.read_text(encoding="utf-8"),
        folder.actions_path.read_text(encoding="utf-8"),
        folder.manifest_path.read_text(encoding="utf-8"),
    ]
    for code in "oim":
        texts.append(_ESCAPE.sub("", "".join(event.data for event in cast.events() if event.code == code)))
    texts.append("".join(action.char or "" for action in folder.actions()))
    for event in cast.events():
        if event.code == "o":
            screen.feed(event.data)
        elif event.code == "r":
            screen.resize(*parse_size(event.data, "test"))
        texts += [screen.text(), screen.text().replace("\n", "")]
    return "\0".join(texts)


@settings(max_examples=examples(60), deadline=None)
@given(
    secret=st.sampled_from(SECRETS),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    colours=st.booleans(),
    slips=st.lists(st.integers(0, 60), max_size=3),
    before=st.text(st.sampled_from("abc 中🙂é$~"), max_size=50),
    columns=st.integers(10, 90),
    redraw=st.booleans(),
    again=st.booleans(),
)
def test_a_planted_secret_never_survives(
    tmp_path_factory: pytest.TempPathFactory, secret: str, cuts: list[int], colours: bool, slips: list[int],
    before: str, columns: int, redraw: bool, again: bool,
) -> None:  # fmt: skip
    characters = list(secret)
    for at in slips:  # a wrong letter, taken back
        if at < len(characters):
            characters[at] = "z\b \b" + characters[at]
    if colours:
        characters = [f"\x1b[3{n % 8}m{c}" for n, c in enumerate(characters)]
    edges = sorted({0, *(cut for cut in cuts if cut < len(characters)), len(characters)})
    events = [("o", before + " ")]
    events += [("o", "".join(characters[a:b])) for a, b in zip(edges, edges[1:], strict=False)]
    if redraw:
        events += [("o", "\x1b[2J\x1b[H"), *(("o", f"\r{secret[:n]}") for n in range(1, len(secret) + 1, 3))]
    events += [("o", "\r\n$ "), *(("i", c) for c in secret), ("i", "\r")]
    if again:
        events += [("o", f"\x1b]0;{secret}\x07"), ("m", f"at {secret}"), ("o", f"\x1b[5;3H<{secret}>")]
    folder = imported(tmp_path_factory.mktemp("s"), events, columns)
    assert secret not in shown(folder)
    assert any("sensitive strings masked" in note for note in folder.read_manifest().notes)


@pytest.mark.parametrize(
    ("events", "gone"),
    [
        ([("o", "export DB_PASSWORD=Tr0ub4dor&3x\r\n")], "Tr0ub4dor&3x"),
        ([("o", "api_key: 'a8F3kd92LmQp01'\r\n")], "a8F3kd92LmQp01"),
        ([("o", "curl https://max:s3cr3tpw@host/x\r\n")], "s3cr3tpw"),
        ([("o", "Authorization: Bearer abcDEF123456.ghi\r\n")], "abcDEF123456.ghi"),
        ([("o", "tok\x1b[1men=a8F3k\x1b[0md92LmQp01\r\n")], "a8F3kd92LmQp01"),
        ([("o", "日本語 token=a8F3kd92LmQp01 日本\r\n")], "a8F3kd92LmQp01"),
        ([("o", "x" * 70 + " token=a8F3kd92LmQp01\r\n")], "a8F3kd92LmQp01"),
        ([("o", "\x1b[2;20Hd92LmQp01\x1b[2;3Htoken=a8F3kx92Lm")], "a8F3kx92Lmd92LmQp01"),
        ([("o", "\x1b]52;c;cGFzc3dvcmQ9VHIwdWI0ZG9yJjN4\x07x")], "cGFzc3dvcmQ9"),
        ([("o", "\x1b]133;C;cmdline_url=curl%20-u%20me%3Ahu%23t%21er%3D2x%20x.y\x07x")], "hu%23t%21er%3D2x"),
        ([("o", "\x1b" + r"]133;C;x=1;cmdline=curl\ -u\ me:hu\#t\!er=2x\ x.y" + "\x07x")], r"hu\#t\!er=2x"),
        ([("o", "\x1b" + r"]633;E;curl -u me:hu\x3bt\\er=2x x.y" + "\x07x")], r"hu\x3bt\\er=2x"),
        ([("o", "[sudo] password for max: "), *(("i", c) for c in "hunter\x7fr22!\r"), ("o", "\r\n")], "r22!"),
        ([("o", "Password: "), *(("i", c) for c in "opensesame\r"), ("o", "\r\n$ echo opensesame")], "opensesame"),
    ],
    ids=["password", "key", "url", "bearer", "coloured", "wide", "wrapped", "placed", "clipboard", "fish-4",
         "kitty", "vscode", "sudo", "echoed"],
)  # fmt: skip
def test_the_shapes_of_secrets(tmp_path: Path, events: list[tuple[str, str]], gone: str) -> None:
    folder = imported(tmp_path, events)
    assert gone not in shown(folder)


def test_a_private_key_is_masked_to_its_last_line_and_what_follows_is_kept(tmp_path: Path) -> None:
    body = ["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ", "QyNTUxOQAAACBq7M2zWc9Tt0c1", "Zz9="]
    key = ["-----BEGIN OPENSSH PRIVATE KEY-----", *body, "-----END OPENSSH PRIVATE KEY-----", "max@box:~$ ls"]
    folder = imported(tmp_path, [("o", "$ cat id\r\n" + "\r\n".join(key)), ("o", f"\x1b[H{body[1]}")])
    text = shown(folder)
    assert not any(line in text for line in body)
    assert "max@box:~$ ls" in text and "$ cat id" in text


def test_masked_keys_keep_their_times_and_lose_what_they_were(tmp_path: Path) -> None:
    folder = imported(tmp_path, [("o", "Password: "), ("i", "a"), ("i", "b"), ("i", "\r"), ("o", "\r\n"), ("i", "l")])
    assert [(a.key, a.redacted) for a in folder.actions()] == [
        (None, True), (None, True), ("Return", False), ("l", False)
    ]  # fmt: skip


def test_the_picture_stays_as_wide_as_it_was(tmp_path: Path) -> None:
    folder = imported(tmp_path, [("o", "token=a8F3中kd92LmQp01 end")])
    screen = Screen(80, 12)
    for event in open_cast(folder.cast).events():
        screen.feed(event.data)
    assert screen.text().rstrip() == "token=••••＊•••••••••• end"


def test_what_was_found_is_counted_and_never_quoted(tmp_path: Path) -> None:
    folder = imported(tmp_path, [("o", f"{SECRETS[0]} {SECRETS[-1]} {SECRETS[0]}\r\n")])
    assert "sensitive strings masked: GitHub token 1, e-mail address 1" in folder.read_manifest().notes


def test_refuse_leaves_the_cast_out_and_keep_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    path.write_text('{"version": 2, "width": 80, "height": 24}\n' + json.dumps([0, "o", SECRETS[0]]) + "\n")
    entry = import_cast(path, tmp_path / "out", ImportOptions(render=False, sensitive="refuse"))
    assert entry.reason == "sensitive: GitHub token 1; import it with --sensitive mask"
    entry = import_cast(path, tmp_path / "out", ImportOptions(render=False, sensitive="keep"))
    assert SECRETS[0] in SessionFolder(entry.session).cast.read_text(encoding="utf-8")


def test_plain_sessions_are_left_as_they_are(tmp_path: Path) -> None:
    said = [
        "git clone git@github.com:a/b.git\r\n", "user@host:~/project$ ls -la\r\n", "commit 3f2a9c\r\n",
        "the token was refused\r\n", "Enter password: \r\n", "\x1b[2J\x1b[5;5Hkey bindings: press q to quit",
    ]  # fmt: skip
    folder = imported(tmp_path, [("o", text) for text in said])
    assert [event.data for event in open_cast(folder.cast).events()] == said


def test_a_screen_redrawn_for_long_is_looked_at_anew(tmp_path: Path) -> None:
    """Stand-ins come again after 65,024 characters: here in the very same places, but for other text."""
    secret = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"

    def redrawn(row: str) -> tuple[str, str]:
        others = "".join(f"\x1b[{y};1H{'.' * 64}" for y in range(2, 9))
        return "o", f"\x1b[1;33H{row[32:]}\x1b[1;1H{row[:32]}{others}"

    events = [redrawn("y" * 64)] * 127 + [redrawn("z" * 12 + secret + "z" * 12), redrawn("y" * 64)]
    folder = imported(tmp_path, events)
    assert secret[:16] not in shown(folder)
    assert secret[:16] not in folder.cast.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("mysql -u root -pS3cretPw99 db", "S3cretPw99"), ("curl -sS -u admin:hunter2abc https://x.org/", "hunter2abc"),
        ("docker login -u me -p myS3cretPass", "myS3cretPass"), ("sshpass -p 'Tr0ubador' ssh me@host", "Tr0ubador"),
        ("redis-cli -a sup3rS3cret ping", "sup3rS3cret"), ("echo 'hunter2' | sudo -S ls", "hunter2"),
        ("AccountKey=abcd1234EFGH5678ijkl9012MNOP3456qr==", "abcd1234EFGH5678"),
        ("SG." + "a1B2c3D4e5F6g7H8i9J0k1." + "A1b2C3d4E5f6G7h8I9j0K1l2M3", "A1b2C3d4E5f6"),
        ("dckr_pat_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N", "a1B2c3D4"), ("shpat_" + "0123456789abcdef" * 2, "0123456789"),
        ("dop_v1_" + "0123456789abcdef" * 4, "0123456789"), ("123456789:AAH" + "dqTcvCH1vGWJxfSe" * 2, "dqTcvCH1"),
        ("AGE-SECRET-KEY-1" + "Q2W3E4R5T6" * 6, "Q2W3E4R5"),
    ],
)  # fmt: skip
def test_passwords_that_commands_take_and_keys_of_more_services_are_masked(
    tmp_path: Path, line: str, secret: str
) -> None:
    assert secret not in shown(imported(tmp_path, [("o", line + "\r\n")]))


@pytest.mark.parametrize(
    "line", ["mysql -p", "docker ps -p", "curl -u", "cp -p a b", "redis-cli -h a", "echo a | sudo tee b"]
)
def test_commands_without_a_password_stay_as_they_are(tmp_path: Path, line: str) -> None:
    assert line in shown(imported(tmp_path, [("o", line + " x\r\n")], columns=100))


@pytest.mark.parametrize(
    "prompt",
    ["[sudo] Passwort für max: ", "[sudo] пароль для max: ", "[sudo] Mot de passe de max : ", "Code? ",
     "\x1b[1m?\x1b[0m Passphrase \x1b[2m›\x1b[0m ", "Kennwort [unsichtbar] "],
)  # fmt: skip
@pytest.mark.parametrize("covers", ["", "*"])
def test_what_is_typed_at_a_prompt_and_not_shown_is_a_password_in_any_language(
    tmp_path: Path, prompt: str, covers: str
) -> None:
    typed = [event for key in "geheim!12" for event in (("i", key), ("o", covers))]
    after = [
        ("i", "\r"),
        ("o", "\r\n$ "),
        ("i", "l"),
        ("o", "l"),
        ("i", "s"),
        ("o", "s"),
        ("i", "\r"),
        ("o", "\r\na\r\n"),
    ]
    folder = imported(tmp_path, [("o", prompt), *typed, *after])
    assert "geheim!12" not in shown(folder)
    assert [action.key for action in folder.actions()][-4:] == ["Return", "l", "s", "Return"]


@pytest.mark.parametrize(
    "events",
    [
        [("o", "Name: "), ("i", "Anna\r"), ("o", "Anna\r\nHello\r\n")],
        [("o", "Name: "), *(("i", key) for key in "Anna\r"), ("o", "An"), ("o", "na\r\nHello\r\n")],
        [("o", "Name: "), ("i", "Anna\r"), ("i", "Bert\r"), ("o", "Anna\r\nMore: Bert\r\n")],
        [("o", "$ "), ("i", "make\r"), ("o", "done\r\n")],
        [("o", "ready\r\n"), ("i", "jump\r"), ("o", "done\r\n")],
        [("o", "Go on (y/n)? "), ("i", "y"), ("i", "\r"), ("o", "\r\nfine\r\n")],
        [("o", "\x1b[?1049h\x1b[2Jtext:"), *(("i", key) for key in "jjjjj\r"), ("o", "\x1b[6;1H"), ("o", "more")],
    ],
    ids=["pasted", "late", "two-at-once", "shell", "no-prompt", "short", "editor"],
)  # fmt: skip
def test_what_is_shown_late_or_typed_into_a_program_is_no_password(
    tmp_path: Path, events: list[tuple[str, str]]
) -> None:
    folder = imported(tmp_path, events)
    assert not any(action.redacted for action in folder.actions())
    assert not any("sensitive" in note for note in folder.read_manifest().notes)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("AWS Secret Access Key [None]: wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI"),
        ("your API key: a8F3kd92LmQp01", "a8F3kd92LmQp01"), ("  password: hunter2", "hunter2"),
        ('{"user": "max", "password": "hunter"}', "hunter"), ("hvs.CAESIJx1234567890abcdefGHIJ", "CAESIJx1234567890"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"), ("POSTGRES_PASSWORD=mypassword", "mypassword"),
        ("mail root@example.com now", "root@exa"),
    ],
)  # fmt: skip
def test_values_beside_their_names_are_masked(tmp_path: Path, line: str, secret: str) -> None:
    assert secret not in shown(imported(tmp_path, [("o", line + "\r\n")]))


@pytest.mark.parametrize(
    "line",
    [
        "~ % sleep 1; pwd" + " " * 44 + "18:31:14/tmp/home-wx63W7Qa",
        "PWD=/home/max/projects/App2", "tokenizer=BertTokenizerFast", "HTTP Basic authentication", "password = None",
        "self.password = password", "password=getpass.getpass()", "password = var.db_password", "PGPASSWORD=$DB_PASS",
        "password=os.environ[", "--password=PASSWORD  to log in", "  -p, --password string   Password or token",
        "  --password-stdin   Take it from stdin", "max@mac.local:~/work % ls", "[root@db1.example.com ~]# ls",
        "scp a.txt max@server.example.com:/tmp",
    ],
)  # fmt: skip
def test_code_help_texts_and_prompts_stay_as_they_are(tmp_path: Path, line: str) -> None:
    assert line in shown(imported(tmp_path, [("o", line + " x\r\n")], columns=100))


def test_an_address_leaves_prompts_of_the_same_user_readable(tmp_path: Path) -> None:
    folder = imported(tmp_path, [("o", "max@laptop:~$ git log\r\nMax <max@example.com>\r\nmax@laptop:~$ ")])
    assert "max@example" not in shown(folder) and shown(folder).count("max@laptop") >= 2


@pytest.mark.parametrize("piece", ["password=a_a_a_a_a_", "secret_", "password (", "token ", "access key "])
def test_no_line_takes_long_to_judge(piece: str) -> None:
    began = time.process_time()
    find((piece * 16_384)[:16_384])
    assert time.process_time() - began < 2
