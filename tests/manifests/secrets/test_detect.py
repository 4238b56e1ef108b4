# ruff: noqa: E501 (a line that is judged is written as one)
"""What the detector guarantees to whoever uses it: import, scan, people."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from manifests.errors import GoaltraceError
from manifests.secrets import (
    Certainty,
    KeyPress,
    KnownSecrets,
    Names,
    OwnNames,
    asks_for_password,
    covered,
    find,
    may_hold,
    read_list,
    typed_secrets,
)  # fmt: skip
from manifests.secrets.names import identifies, reported
from tests.manifests.secrets.innocent import innocent
from tests.manifests.secrets.planted import Planted, planted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_of_a_planted_secret_is_left_in_its_line(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = planted(seed, rounds=3)
    left = [one for one in secrets if one.secret in covered(one.line, find(one.line)) or _half_left(one)]
    with capsys.disabled():
        print(f"\n{len(secrets)} secrets, {len(left)} left")
    assert len(secrets) >= 150
    assert not left


def _half_left(one: Planted) -> bool:
    after, half = covered(one.line, find(one.line)), len(one.secret) // 2
    return half > 3 and (one.secret[:half] in after or one.secret[half:] in after)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_most_one_innocent_line_in_two_hundred_is_touched(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    lines = innocent(seed, rounds=20)
    touched = [line for line in lines if find(line)]
    with capsys.disabled():
        print(f"\n{len(lines)} innocent lines, {len(touched)} touched")
    assert len(lines) >= 2000
    assert len(touched) <= len(lines) * 0.005, touched[:20]


def test_no_file_of_this_project_is_said_to_hold_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    """Thousands of lines that nobody wrote to be innocent."""
    root = Path(__file__).resolve().parents[3]
    lines = [
        line for folder in ("collector", "curation", "trainer", "docs") for path in sorted((root / folder).rglob("*"))
        if path.suffix in (".py", ".md") for line in path.read_text(encoding="utf-8").split("\n") if line.strip()
    ]  # fmt: skip
    touched = [line for line in lines if find(line)]
    with capsys.disabled():
        print(f"\n{len(lines)} lines of this project, {len(touched)} touched")
    assert len(touched) <= len(lines) * 0.002, touched[:20]


@pytest.mark.parametrize(
    "line",
    [
        "4539148803436467"[:-1] + "8", "0.4539148803436467", "id 453914880343646745391", "DE00370400440532013000",
        "123.456.789-00", "12345678A", "756.1234.5678.90", "00000000-0000-0000-0000-000000000000", "000-12-3456",
    ],
)  # fmt: skip
def test_a_number_whose_check_digits_are_wrong_is_left(line: str) -> None:
    assert find(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "a@b.py", "x = w @ v.T", "%#x@##.xx", "@@@.com", "y@@mail.com", "vue@next", "getty@tty1.service",
        "a@mail.comgit", "ssh max@db.example.com", "https://max@git.example.com/a", "max@mac.local:~ %", "git@github.com",
    ],
)  # fmt: skip
def test_an_address_needs_a_name_and_a_domain_that_could_be(line: str) -> None:
    assert find(line) == []


def test_only_what_is_certain_is_known_for_certain() -> None:
    def certainty(line: str) -> list[Certainty]:
        return [span.certainty for span in find(line)]

    assert certainty("password = hunter2") == [Certainty.NAMED]
    assert certainty("4242 4242 4242 4242") == [Certainty.KNOWN]
    assert certainty("ghp_" + "A1b2C3d4" * 5) == [Certainty.KNOWN]
    assert certainty("PIN: 4821") == [Certainty.NAMED]


def test_spans_of_a_text_of_several_lines_are_places_in_that_text() -> None:
    text = "one\ntwo password: hunter2 end\n-----BEGIN RSA PRIVATE KEY-----\nMIIabcdefgh0123456789\n-----END RSA PRIVATE KEY-----\nx"
    assert [text[span.start : span.end] for span in find(text)] == ["hunter2", "MIIabcdefgh0123456789"]


def test_a_known_value_is_found_in_pieces_and_words_of_it_are_not() -> None:
    known = KnownSecrets()
    known.add("zQ7kW2pX9mB4vL6nR8tY", "token")
    known.add("correct horse battery", "password typed")
    known.add("tester", "password typed")
    assert known.find("…9mB4vL6nR8…") and known.find("a correct horse battery b") and known.find("(tester)")
    assert not known.find("the battery of the horse is correct; testers")


def test_listed_strings_are_found_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("# mine\nOrbit Nine\n\nstraßenbahn\n", encoding="utf-8")
    known = KnownSecrets()
    known.add_listed(read_list(path))
    assert (
        covered("at ORBIT nine, Straßenbahn", known.find("at ORBIT nine, Straßenbahn")) == "at ••••••••••, •••••••••••"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lists nothing"), (b"ab\n", "line 1: 'ab' is shorter than 3"), (b"abc\n\xff\xfe\n", "line 2: not UTF-8"),
        (b"x" * 1001, "line 1: longer than 1,000"), (b"abc\nx\x07yz\n", "line 2: holds control characters"),
        (b"abcd\n" * 1_000_000, "more than 4 MiB"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(GoaltraceError) as error:
        read_list(path)
    assert said in str(error.value) and "\n" not in str(error.value) and str(path) in str(error.value)
    with pytest.raises(GoaltraceError, match="cannot be read"):
        read_list(tmp_path)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("jo@nine-7:~$ ls", "••@••••••:~$ ls"), ("cd /home/jo/x", "cd /home/••/x"), ("jo(x) jog", "jo(x) jog"),
        ("-rw-r--r-- 1 jo jo 5 a", "-rw-r--r-- 1 •• •• 5 a"), ("ping nine-7 ok", "ping •••••• ok"),
        ("/Users/jo", "/Users/••"), ("ls ~jo/a", "ls ~••/a"), ("nine-75", "nine-75"),
    ],
)  # fmt: skip
def test_names_are_found_where_names_stand(text: str, after: str) -> None:
    assert covered(text, Names(OwnNames(("jo",), ("nine-7",))).find(text)) == after


@pytest.mark.parametrize("name", ["root", "user", "localhost", "3f2a9c1b4d5e", "ubuntu", "x", ""])
def test_names_that_stand_for_nobody_are_none(name: str) -> None:
    assert not identifies(name)


def test_reports_of_shells_name_user_host_and_home() -> None:
    for report in (
        "7;file://nine-7/home/quilzan/w", "1337;RemoteHost=quilzan@nine-7", "1337;CurrentDir=/Users/quilzan", "0;quilzan@nine-7: ~",
        "633;P;Cwd=/home/quilzan/w", "777;notify;quilzan@nine-7;done", "3008;start=1;user=quilzan;hostname=nine-7;cwd=/home/quilzan",
    ):  # fmt: skip
        after = covered(report, reported(report))
        assert "quilzan" not in after and "nine-7" not in after, report


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("Password: ", True), ("[sudo] password for max: ", True), ("Enter PIN: ", True), ("Passwort:", True), ("Token > ", True),
        ("$ echo password:", False), ("~/secret-token> ", False), ("max@box:~/token$ ", False), ("> grep token:", False),
        ("Max tokens: ", False), ("password reset sent", False), ("❯ cat pass:", False),
    ],
)  # fmt: skip
def test_a_question_for_a_password_is_told_from_a_command_that_speaks_of_one(line: str, asks: bool) -> None:
    assert asks_for_password(line) is asks


def test_typed_secrets_are_put_together_over_corrections_and_pastes() -> None:
    keys = [KeyPress(c, c, n) for n, c in enumerate("export API_TOKEN=")]
    keys += [
        KeyPress("x", "x", 100),
        KeyPress("BackSpace", "", 101),
        KeyPress(None, "zQ7kW2pX9mB4", 102),
        KeyPress("v", "v", 103),
    ]
    keys += [KeyPress("Return", "\r", 104), KeyPress("l", "l", 105)]
    found = {place for _, place in typed_secrets(keys)}
    assert {102, 103} <= found and not found & {0, 5, 104, 105}


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "1 ", "a.", "a@", "a@b.", "password=", "password: ", "token ", "://", "-p ", "curl -u ", "htpasswd -b ", "$", "$6$a",
        "eyJa.", "a1-", "4111 ", "DE89 3704 ", "+1 ", "(", "login ", "{", "key[", "pin: ", "0170 ", "\\", "x=", "seed abc ", "-", "K",
        "password for ", "cookie: a=", "abc ", "/home/a", "file://", "echo a|", "%", "'", "aA1", "identified by ", "1.1.1-",
    ],
)  # fmt: skip
def test_no_line_takes_long_to_judge(piece: str) -> None:
    for text in (
        (piece * 16_384)[:16_384],
        "password=" + (piece * 16_384)[:8000] + "!",
        "curl " + (piece * 9000)[:8000],
    ):
        began = time.process_time()
        find(text)
        may_hold(text)
        reported(text)
        asks_for_password(text)
        assert time.process_time() - began < 1.5, piece
