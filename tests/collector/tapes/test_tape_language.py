"""A tape is read as VHS reads it; what cannot be read is one line with file, line and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.episodes.tape import KEYS, KEYWORDS, Command, TapeError
from collector.tapes.lexer import tokens
from collector.tapes.parser import parse
from collector.tapes.patterns import compile_pattern

WORDS = [
    *KEYWORDS, "Home", "x", "demo.tape", "a.png", '"a b"', "'c'", "`d`", "/e$/", "/(/", "@", "+", "%", "-", "[", "]",
    "^", "\\", "{", '{"a": "b"}', "1", ".5", "1.2.3", "500ms", "99999999999999", "# no", "\n", "\r\n", "\t", "é", '"',
    "'", "`", "/",
]  # fmt: skip


def commands(text: str) -> list[Command]:
    return parse(text, "dir/demo.tape", "demo.tape")[0]


def one(text: str) -> Command:
    (command,) = commands(text)
    return command


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)))
@example("Ctrl+")
@example("Type")
@example("Set Theme {")
@example("Wait+")
def test_any_text_is_commands_or_one_line_with_its_place(text: str) -> None:
    try:
        found, remarks = parse(text, "dir/demo.tape", "demo.tape")
    except TapeError as error:
        assert re.fullmatch(r"dir/demo\.tape:\d+:\d+: \S.*", str(error)), error
        line = int(str(error).split(":")[1])
        assert 1 <= line <= text.count("\n") + 1
    else:
        assert all(re.fullmatch(r"demo\.tape:\d+:\d+", command.at) for command in found)
        assert all(re.match(r"demo\.tape:\d+:\d+: ", remark) for remark in remarks)


@given(st.text())
def test_no_character_is_lost_between_tokens(text: str) -> None:
    found = tokens(text)
    assert found[-1].kind == "end"
    lines = text.split("\n")
    for token in found[:-1]:
        rest = "\n".join(lines[token.line - 1 :])[token.column - 1 :]
        mark = 1 if token.kind in ("string", "regex", "comment") else 0
        assert rest[mark:].startswith(token.text)


@pytest.mark.parametrize(
    ("text", "typed", "seconds"),
    [
        ('Type "ls -l"', "ls -l", None),
        ("Type 'say \"hi\"'", 'say "hi"', None),
        ("Type `a 'b' \"c\"`", "a 'b' \"c\"", None),
        ("Type@500ms 'x'", "x", 0.5),
        ("Type@.1 'x'", "x", 0.1),
        ("Type@2 'x'", "x", 2),
        ("Type ls", "ls", None),
        ("Type 'a' 'b'", "a b", None),
        ('Type ""', "", None),
    ],
)
def test_typing(text: str, typed: str, seconds: float | None) -> None:
    assert one(text) == Command(verb="Type", at="demo.tape:1:1", text=typed, seconds=seconds)


def test_strings_have_no_escapes() -> None:
    """VHS ends a string at the first quote like its first, whatever stands before it."""
    assert one(r"Type 'a\n'").text == r"a\n"
    with pytest.raises(TapeError, match=r"demo\.tape:1:15: .*no escapes"):
        commands(r'Type "echo \"a\""')
    found, remarks = parse('Type "printf "a b""', "t.tape", "t.tape")
    assert found[0].text == "printf  a b "
    assert remarks[0].startswith("t.tape:1:15: a second string")


def test_a_string_without_its_end_is_typed_to_the_end_of_the_line_and_remarked() -> None:
    found, remarks = parse('Type "it is\nEnter', "t.tape", "t.tape")
    assert [c.text for c in found] == ["it is", "Return"]
    assert remarks == ["t.tape:1:6: the closing mark is missing: it types up to the end of the line"]


def test_a_line_that_is_no_command_is_text_of_the_type_before_it_and_remarked() -> None:
    found, remarks = parse('Type "ls"\nPwd\nEnter', "t.tape", "t.tape")
    assert [c.text for c in found] == ["ls Pwd", "Return"]
    assert "t.tape:2:1: a word that is no command" in remarks[0]


@pytest.mark.parametrize("name", KEYS)
def test_keys_have_times_and_counts(name: str) -> None:
    assert one(name) == Command(verb="Key", at="demo.tape:1:1", text=KEYS[name])
    assert one(f"{name}@100ms 3") == Command(verb="Key", at="demo.tape:1:1", text=KEYS[name], seconds=0.1, times=3)
    assert one(f"{name} 12").times == 12


def test_home_is_a_key_only_where_a_line_begins() -> None:
    assert one("Type go Home").text == "go Home"
    assert [c.text for c in commands("Type go\nHome")] == ["go", "Home"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Ctrl+C", ["ctrl+c"]), ("Ctrl+Alt+x", ["ctrl+alt+x"]), ("Ctrl+Shift+O", ["ctrl+shift+o"]),
        ("Ctrl+Left", ["ctrl+Left"]), ("Ctrl+Space", ["ctrl+space"]), ("Ctrl+[", ["ctrl+bracketleft"]),
        ("Ctrl+\\", ["ctrl+backslash"]), ("Alt+.", ["alt+period"]), ("Alt+Enter", ["alt+Return"]),
        ('Alt+"ab"', ["alt+a", "alt+b"]), ("Alt+[", ["alt+bracketleft"]),
        ("Shift+Tab", ["shift+Tab"]), ("Alt+B", ["alt+B"]), ("Shift+a", ["A"]), ("Ctrl+Enter", ["ctrl+Return"]),
    ],
)  # fmt: skip
def test_combinations(text: str, keys: list[str]) -> None:
    assert [c.text for c in commands(text)] == keys


def test_a_slash_in_a_pattern_is_escaped_or_written_as_go_does() -> None:
    assert one(r"Wait+Screen /a\/b/").text == r"a\/b"
    assert [c.verb for c in commands("Wait /\\\\/ Enter")] == ["Wait", "Key"], "an escaped backslash, then the end"
    for pattern in (r"a\/b", r"a\x{2F}b"):
        assert compile_pattern(pattern).fullmatch("a/b")
    assert compile_pattern(r"\\x{2}").fullmatch(r"\xx"), "a backslash and two of x"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('type "x"', "1:1: 'type' is not a command; did you mean Type?"), ("Entr", "did you mean Enter?"),
        ("Set Fontsize 12", "1:5: 'Fontsize' is not a setting; did you mean FontSize?"),
        ("Set Width 1200px", "1:15: 'px' is not a command; a size is a number alone"),
    ],
)  # fmt: skip
def test_what_was_meant_is_named(text: str, says: str) -> None:
    with pytest.raises(TapeError) as caught:
        commands(text)
    assert says in str(caught.value)


def test_scrolling_sleeping_and_the_rest() -> None:
    found = commands(
        "ScrollUp@10ms 5 ScrollDown Sleep 2 Sleep 1.5s Sleep 500ms Sleep 1m Hide Show Copy 'x' Paste\n"
        "Screenshot a/b.png Output demo.gif Require git Env A_B 'c' Subtitle 'hi'"
    )
    assert [(c.verb, c.name, c.text, c.seconds, c.times) for c in found] == [
        ("Scroll", "", "Up", 0.01, 5), ("Scroll", "", "Down", None, 1), ("Sleep", "", "", 2, 1),
        ("Sleep", "", "", 1.5, 1), ("Sleep", "", "", 0.5, 1), ("Sleep", "", "", 60, 1), ("Hide", "", "", None, 1),
        ("Show", "", "", None, 1), ("Copy", "", "x", None, 1), ("Paste", "", "", None, 1),
        ("Screenshot", "", "a/b.png", None, 1), ("Output", "", "demo.gif", None, 1), ("Require", "", "git", None, 1),
        ("Env", "A_B", "c", None, 1), ("Subtitle", "", "hi", None, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "pattern", "seconds"),
    [
        ("Wait", "Line", "", None), ("Wait+Screen", "Screen", "", None), ("Wait /a b$/", "Line/", "a b$", None),
        ("Wait+Screen@5s /x/", "Screen/", "x", 5), ("Wait+Line@200ms", "Line", "", 0.2),
        ("Wait@1m /y/", "Line/", "y", 60),
    ],
)  # fmt: skip
def test_waiting(text: str, name: str, pattern: str, seconds: float | None) -> None:
    assert one(text) == Command(verb="Wait", at="demo.tape:1:1", name=name, text=pattern, seconds=seconds)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Shell bash", "bash"), ('Shell "zsh"', "zsh"), ("FontSize 22", "22"), ('FontFamily "Fira Code"', "Fira Code"),
        ("Width 1200", "1200"), ("Height 600", "600"), ("LetterSpacing 1.5", "1.5"), ("LineHeight .9", ".9"),
        ("TypingSpeed 75ms", "0.075"), ("TypingSpeed .1", "0.1"), ("Theme Dracula", "Dracula"),
        ('Theme "Catppuccin Frappe"', "Catppuccin Frappe"), ('Theme {"name": "x"}', '{"name": "x"}'),
        ("Padding 5", "5"), ("Margin 5", "5"), ('MarginFill "#6B50FF"', "#6B50FF"), ("WindowBar Rings", "Rings"),
        ("MarginFill back.png", "back.png"),
        ("WindowBarSize 40", "40"), ("BorderRadius 8", "8"), ("Framerate 60", "60"), ("PlaybackSpeed 0.5", "0.5"),
        ("LoopOffset 20%", "20"), ("LoopOffset 5", "5"), ("CursorBlink false", "false"), ("WaitTimeout 30s", "30.0"),
        ("WaitPattern /%$/", "%$"),
    ],
)  # fmt: skip
def test_every_setting(text: str, value: str) -> None:
    command = one(f"Set {text}")
    assert (command.verb, command.name, command.text) == ("Set", text.split(maxsplit=1)[0], value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("Enter\n  Foo 3", "2:3", "'Foo' is not a command"),
        ("Type", "1:5", "wants a string"),
        ("Type Enter", "1:6", "wants a string"),
        ("Sleep", "1:6", "a time is wanted"),
        ("Sleep 1.2.3", "1:7", "a time is wanted"),
        ("Sleep 100000", "1:7", "longer than a day"),
        ("Enter 2.5", "1:7", "whole number"),
        ("Enter 0", "1:7", "whole number"),
        ("Enter 99999999", "1:7", "whole number"),
        ("Ctrl+Foo", "1:6", "cannot be pressed"),
        ("Ctrl", "1:1", "wants a key"),
        ('Ctrl+"1"', "1:6", "no terminal has the key"),
        ("Ctrl+c+Alt+x", "1:8", "comes before the key"),
        ("Set Foo 1", "1:5", "not a setting"),
        ("Set FontSize big", "1:14", "whole number"),
        ("Set Shell nu", "1:11", "bash, zsh or fish"),
        ("Set WindowBar Square", "1:15", "is not one of"),
        ('Set MarginFill "#12"', "1:16", "not a colour"),
        ("Set Theme {", "1:11", "not closed"),
        ("Set Theme {x}", "1:11", "not valid JSON"),
        ("Set CursorBlink 1", "1:17", "true or false"),
        ("Set WaitPattern /(/", "1:17", "not a regular expression"),
        ("Wait /(?=x)/", "1:6", "looks around"),
        ("Wait+Word", "1:6", "Line or Screen"),
        ("Wait@0s", "1:5", "more than 0"),
        ("Screenshot a.gif", "1:12", "ends in .png"),
        ("Source other.txt", "1:8", "ends in .tape"),
        ("Output /tmp/a.gif", "1:8", "quotes"),
        ("Env 1x 'y'", "1:5", "wants a name"),
        ("Env X", "1:6", "wants a string"),
        ("Require", "1:8", "wants a program"),
        ("Type é", "1:6", "wants a string"),
    ],
)
def test_an_error_names_its_place_and_the_mend(text: str, place: str, said: str) -> None:
    with pytest.raises(TapeError) as caught:
        commands(text)
    assert str(caught.value).startswith(f"dir/demo.tape:{place}: "), caught.value
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.needs("shared")
def test_all_shared_tapes_parse(shared_data: Path) -> None:
    paths = sorted((shared_data / "tapes").glob("*.tape"))
    assert len(paths) == 25
    for path in paths:
        found, remarks = parse(path.read_text(), str(path), path.name)
        assert sum(c.verb == "Set" for c in found) == 13 and found[-1].verb == "Hide", path
        assert any(c.verb == "Type" for c in found) and not remarks, path
