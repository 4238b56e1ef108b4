"""Source stays in the tape's folder, ends, and is bounded; goals, settings and sizes follow from the tape."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.episodes.tape import NothingToRun, TapeError
from collector.tapes.load import MAX_TAPE_BYTES, goal_of, load_tape
from collector.tapes.options import least_seconds, options_of
from collector.tapes.parser import parse
from collector.tapes.player import picture_name
from collector.tapes.spec import spec_of
from manifests.errors import GoaltraceError


def write(folder: Path, **tapes: str) -> Path:
    for name, text in tapes.items():
        (folder / f"{name}.tape").write_text(text)
    return folder / f"{next(iter(tapes))}.tape"


def options(text: str):  # type: ignore[no-untyped-def]
    return options_of(parse(text, "t.tape", "t.tape")[0])


def test_source_is_put_in_its_place_without_its_output(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "inner.tape").write_text("Output inner.gif\nSource deep.tape\nEnter")
    (tmp_path / "parts" / "deep.tape").write_text("Type 'deep'")
    tape = load_tape(write(tmp_path, main="Output a.gif\nSource parts/inner.tape\nSleep 1"))
    assert [(c.verb, c.at) for c in tape.commands] == [
        ("Output", "main.tape:1:1"), ("Type", "parts/deep.tape:1:1"), ("Key", "parts/inner.tape:3:1"),
        ("Sleep", "main.tape:3:1"),
    ]  # fmt: skip


def test_source_does_not_leave_the_tapes_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "outside.tape").write_text("Enter")
    (inside / "link.tape").symlink_to(tmp_path / "outside.tape")
    for target in ('"../outside.tape"', f'"{tmp_path}/outside.tape"', "link.tape"):
        with pytest.raises(TapeError, match=r"main\.tape:2:3: Source .*outside the tape's folder"):
            load_tape(write(inside, main=f"Enter\n  Source {target}"))


def test_source_is_found_from_the_folder_that_the_command_is_run_in_as_vhs_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Projects run `vhs vhs/e2e/smoke.tape` at their root, and name every tape from there."""
    (tmp_path / "vhs" / "e2e").mkdir(parents=True)
    (tmp_path / "vhs" / "common.tape").write_text("Source vhs/size.tape")
    (tmp_path / "vhs" / "size.tape").write_text("Set Width 900")
    smoke = write(tmp_path / "vhs" / "e2e", smoke="Source vhs/common.tape\nEnter", up="Source ../common.tape\nEnter")
    with pytest.raises(TapeError, match="no such file beside the tape"):
        load_tape(smoke)
    monkeypatch.chdir(tmp_path)
    tape = load_tape(smoke)
    assert [(c.verb, c.at) for c in tape.commands] == [("Set", "../size.tape:1:1"), ("Key", "smoke.tape:2:1")]
    assert load_tape(Path("vhs/e2e/up.tape")).commands[0] == tape.commands[0], "beside the tape comes first"
    (tmp_path.parent / "outside.tape").write_text("Enter")
    with pytest.raises(TapeError, match="outside"):
        load_tape(write(tmp_path / "vhs", main="Source ../../outside.tape"))


def test_source_in_a_circle_too_deep_too_often_or_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"b\.tape:1:1: .*circle"):
        load_tape(write(tmp_path, a="Source b.tape", b="Source a.tape"))
    deep = {f"d{n}": f"Source d{n + 1}.tape" for n in range(20)}
    with pytest.raises(TapeError, match="8 tapes deep"):
        load_tape(write(tmp_path, **deep))
    with pytest.raises(TapeError, match="more than 100 tapes"):
        load_tape(write(tmp_path, wide="Source x.tape\n" * 20, x="Source y.tape\n" * 20, y="Source z.tape", z="# -"))
    with pytest.raises(TapeError, match=r"main\.tape:1:1: Source gone\.tape: no such file"):
        load_tape(write(tmp_path, main="Source gone.tape"))


def test_an_error_in_a_sourced_tape_names_that_tape(tmp_path: Path) -> None:
    with pytest.raises(TapeError) as caught:
        load_tape(write(tmp_path, main="Source bad.tape", bad="Enter\n Nope"))
    assert str(caught.value).startswith(f"{tmp_path}/bad.tape:2:2: ")


def test_what_is_no_text_or_too_large_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.tape"
    path.write_bytes(b"Enter\n\xff")
    with pytest.raises(TapeError, match=r"x\.tape:2:1: not UTF-8"):
        load_tape(path)
    path.write_bytes(b"Enter\n\n ab\0")
    with pytest.raises(TapeError, match=r"x\.tape:3:4: a NUL"):
        load_tape(path)
    path.write_bytes(b"#" * (MAX_TAPE_BYTES + 1))
    with pytest.raises(GoaltraceError, match="more than"):
        load_tape(path)
    with pytest.raises(GoaltraceError, match="no such file"):
        load_tape(tmp_path / "gone.tape")
    with pytest.raises(GoaltraceError, match="not a file"):
        load_tape(Path("/dev/zero"))


def test_a_tape_that_would_record_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingToRun, match=r"t\.tape:1:1: types nothing"):
        load_tape(write(tmp_path, t="Set FontSize 20"))
    with pytest.raises(TapeError, match="everything is hidden"):
        load_tape(write(tmp_path, t="Hide\nType 'x'\nEnter"))


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("# ---- VHS documentation ----\n# Sleep: waits\n# ---- end\n\n# Count the files\n# of a folder.\nEnter",
         "Count the files of a folder."),
        ("# A title here\n# INSTRUCTION: List the files.\nEnter", "List the files."),
        ("Enter", "Run the tape t.tape"),
        ("# ------\n\n# x\nEnter", "Run the tape t.tape"),
        ("# Where should we write the GIF?\nOutput a.gif\n# Set up a 1200x600 terminal with 46px font.\n# Say hello.\n",
         "Say hello."),
    ],
)  # fmt: skip
def test_the_goal_is_what_the_tape_says_about_itself(text: str, goal: str) -> None:
    assert goal_of(text, "t.tape") == goal


@pytest.mark.needs("shared")
def test_shared_tapes_say_their_goal_and_fit_a_session(shared_data: Path) -> None:
    for path in sorted((shared_data / "tapes").glob("*.tape")):
        spec = spec_of(load_tape(path), path, environment="docker", fps=None, max_duration_s=600)
        assert "demonstration" in spec.task.goal, path
        assert (spec.task.columns, spec.task.rows, spec.arm, spec.agent) == (60, 12, "tape", "tape")
        assert (options_of(spec.tape.commands).theme or {})["bg"] == "#1e1e2e" if spec.tape else False
        assert spec.task.family == "tape" and spec.task.id == "tape-" + path.stem.replace("_", "-")


def test_settings_count_at_the_head_only_but_typing_speed_shell_and_env_everywhere() -> None:
    found = options("Set Width 900\nEnter\nSet Height 300\nSet TypingSpeed 1\nSet Shell fish\nEnv A 'b'\nEnv A 'c'")
    assert found.shell == "fish" and found.environment == {"A": "c"} and found.typing_s == 0.05
    assert found.notes == ["t.tape:3:1: Set Height comes too late: left out, as VHS does; put it first"]


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ("", (77, 16)),
        ("Set FontSize 40\nSet Width 1600\nSet Height 900\nSet Margin 28\nSet MarginFill '#000000'\nSet Padding 18\n"
         "Set LineHeight 1.2\nSet LetterSpacing 0.8", (60, 12)),
        ("Set Margin 100", (77, 16)),
        ("Set WindowBar Rings\nSet WindowBarSize 100", (77, 12)),
        ("Set FontSize 1\nSet Width 9000\nSet Height 9000", (300, 120)),
        ("Set Width 10\nSet Height 10", (20, 5)),
        ("Set FontSize 0\nSet LineHeight 0\nSet LetterSpacing 0", (300, 120)),
    ],
)  # fmt: skip
def test_pixels_become_columns_and_rows_within_bounds(settings: str, size: tuple[int, int]) -> None:
    found = options(settings + "\nEnter")
    assert (found.columns, found.rows) == size


def test_a_tape_longer_than_allowed_is_refused_before_it_starts(tmp_path: Path) -> None:
    path = write(
        tmp_path, t="Set TypingSpeed 1s\nType 'abc'\nEnter 2\nSleep 2\nSet TypingSpeed 2\nType@1 'x'\nUp\nCtrl+c"
    )
    tape = load_tape(path)
    assert least_seconds(tape.commands) == 3 + 2 + 2 + 1 + 2
    with pytest.raises(TapeError, match=r"at least 10 s .* more than the 9 s allowed"):
        spec_of(tape, path, environment="local", fps=None, max_duration_s=9)


def test_a_changed_tape_is_another_episode_and_framerate_is_kept_in_bounds(tmp_path: Path) -> None:
    ids = set()
    for text in ("Type 'a'", "Type 'b'"):
        path = write(tmp_path, **{"My Tape!": "Set Framerate 500\n" + text})
        spec = spec_of(load_tape(path), path, environment="local", fps=None, max_duration_s=9)
        assert spec.episode_id.startswith("tape-my-tape-") and spec.fps == 60
        ids.add(spec.episode_id)
    assert len(ids) == 2


@pytest.mark.parametrize("theme", ["Dracula", '"dracula"', '{"foreground": "#f8f8f2", "background": "#282a36"}'])
def test_a_theme_by_name_or_as_json_gives_the_colours(theme: str) -> None:
    found = options(f"Set Theme {theme}\nEnter")
    assert found.theme is not None and (found.theme["fg"], found.theme["bg"]) == ("#f8f8f2", "#282a36")
    assert found.notes == []
    assert "palette" not in found.theme or len(found.theme["palette"].split(":")) == 16


def test_a_json_theme_is_read_as_vhs_names_colours_and_may_leave_some_out() -> None:
    """VHS says magenta and Windows Terminal purple; what is left out is as in VHS's terminal."""
    named = (
        options('Set Theme { "magenta": "#010203", "brightPurple": "#040506", "green": "#070809" }\nEnter').theme or {}
    )
    palette = named["palette"].split(":")
    assert (palette[2], palette[5], palette[13]) == ("#070809", "#010203", "#040506")
    assert (named["fg"], named["bg"], palette[1]) == ("#ffffff", "#000000", "#cc0000")


def test_an_unknown_theme_is_noted() -> None:
    assert options("Set Theme 'No Such'\nEnter").notes == [
        "Theme No Such is not known here; the terminal's own colours are used"
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("../../etc/passwd.png", "screenshot-passwd.png"), ("/a/b c.d.png", "screenshot-b-c-d.png"),
        ("..\\x.png", "screenshot-x.png"), (".png", "screenshot-picture.png"),
        ("a" * 300 + ".png", f"screenshot-{'a' * 80}.png"),
    ],
)  # fmt: skip
def test_a_screenshots_path_cannot_lead_out_of_the_session(path: str, name: str) -> None:
    assert picture_name(path) == name
    assert picture_name(name.removeprefix("screenshot-")) == name


@pytest.mark.parametrize("detail", ["the recorder ended with status -15: no message", "stopped before it began"])
def test_a_tape_that_ctrl_c_ended_did_not_fail(tmp_path: Path, detail: str) -> None:
    from collector.campaign import EpisodeResult
    from collector.importers.tape.run import _ended

    path = tmp_path / "a.tape"
    path.write_text("Type 'ls'")
    spec = spec_of(load_tape(path), path, environment="local", fps=None, max_duration_s=60)
    result = EpisodeResult(spec.episode_id, "failed", detail)
    assert _ended(result, spec, path, tmp_path).state == "stopped"


def test_a_shell_that_is_not_there_is_named_with_its_place(tmp_path: Path) -> None:
    from collector.shell.home import Home
    from collector.tapes.shells import tape_home

    path = tmp_path / "a.tape"
    path.write_text("Output a.gif\nSet Shell fish\nType 'ls'")
    commands = load_tape(path).commands
    home = Home(tmp_path, tmp_path / "rc", {"PATH": str(tmp_path)})
    with pytest.raises(GoaltraceError, match=r"^a\.tape:2:1: Set Shell fish: not found where the tape runs"):
        tape_home(home, options_of(commands), commands)
