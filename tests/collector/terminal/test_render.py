"""Drawing: only what changed is drawn, and the picture is the same as if all were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pymupdf_fonts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collector.terminal.canvas import Canvas
from collector.terminal.cast import open_cast
from collector.terminal.geometry import CELL_HEIGHT, CELL_WIDTH
from collector.terminal.glyphs import Appearance
from collector.terminal.render import Tick, extent_of, render_cast, render_session
from collector.terminal.screen import Screen
from collector.terminal.themes import DEFAULT, THEMES, theme_of_cast
from goaltrace import main
from manifests.errors import GoaltraceError
from manifests.session import Clock, Frame, SessionFolder, SessionManifest, TerminalLook
from manifests.video import decode
from tests.depth import examples

COLUMNS, ROWS = 24, 6
BACKGROUND = DEFAULT.bg


def draw(*chunks: str, columns: int = COLUMNS, rows: int = ROWS) -> NDArray[np.uint8]:
    """The picture after feeding everything at once to a new screen."""
    screen, canvas = Screen(columns, rows), Canvas(columns, rows)
    screen.feed("".join(chunks))
    canvas.update(screen)
    return canvas.pixels


def cell(pixels: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    return pixels[y * CELL_HEIGHT : (y + 1) * CELL_HEIGHT, x * CELL_WIDTH : (x + 1) * CELL_WIDTH]


PIECES = st.one_of(
    st.text(alphabet="abc xyz~│─é漢e\u0301", max_size=12),
    st.sampled_from(
        ["\r\n", "\t", "\x1b[2J", "\x1b[K", "\x1b[H", "\x1b[?25l", "\x1b[?25h", "\x1b[?1049h", "\x1b[?1049l", "\x1b[3L",
         "\x1b[2M", "\x1b[2;4r", "\x1b[r", "\x1bM", "\x1b[5@", "\x1b[3P", "\x1b[6 q", "\x1b[4 q", "\x1b[0m",
         "\x1b]4;1;#00ff00\x07", "\x1b]11;#203040\x07", "\x1b[?5h", "\x1bc"]
    ),
    st.tuples(st.integers(1, ROWS), st.integers(1, COLUMNS)).map(lambda at: f"\x1b[{at[0]};{at[1]}H"),
    st.lists(st.integers(0, 107), min_size=1, max_size=4).map(lambda sgr: f"\x1b[{';'.join(map(str, sgr))}m"),
    st.integers(0, 255).map(lambda n: f"\x1b[48;5;{n}m"),
    st.tuples(*[st.integers(0, 255)] * 3).map(lambda c: "\x1b[38;2;{};{};{}m".format(*c)),
)  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=25))
def test_drawing_dirty_rows_equals_drawing_all(pieces: list[str]) -> None:
    screen, canvas = Screen(COLUMNS, ROWS), Canvas(COLUMNS, ROWS)
    for piece in pieces:
        before = canvas.pixels.copy()
        screen.feed(piece)
        share, box = canvas.update(screen)
        differs = (before != canvas.pixels).any(axis=2)
        assert share == pytest.approx(differs.mean())
        assert (box is None) == (not differs.any())
        if box is not None:
            x, y, width, height = box
            inside = differs[y : y + height, x : x + width]
            assert inside.sum() == differs.sum(), "nothing changed outside the box"
            assert inside[:, :CELL_WIDTH].any() and inside[:, -CELL_WIDTH:].any()
            assert inside[:CELL_HEIGHT].any() and inside[-CELL_HEIGHT:].any()
    assert np.array_equal(canvas.pixels, draw(*pieces))


@pytest.mark.needs("shared")
def test_public_casts_are_drawn_whole(shared_data: Path) -> None:
    casts = sorted((shared_data / "casts").glob("*.cast"))
    assert len(casts) == 21
    for path in casts:
        cast = open_cast(path)
        extent = extent_of(cast)
        end = extent.end_ns
        background = (theme_of_cast(path) or DEFAULT).bg
        drawn = [
            (tick.number, canvas.packed.shape, bool((canvas.pixels != background).any()))
            for tick, canvas in render_cast(cast, extent, 15)
        ]
        assert [index for index, _, _ in drawn] == list(range(end * 15 // 10**9 + 1))
        assert len({shape for _, shape, _ in drawn}) == 1
        assert any(ink for _, _, ink in drawn), f"{path.name}: nothing was drawn"


def test_attributes_are_seen() -> None:
    plain = cell(draw("M \x1b[?25l"), 0, 0)
    shown = {name: cell(draw(f"\x1b[{code}mM\x1b[0m \x1b[?25l"), 0, 0) for name, code in {
        "bold": "1", "faint": "2", "italic": "3", "underline": "4", "double": "4:2", "curly": "4:3", "dotted": "4:4",
        "dashed": "4:5", "inverse": "7", "strike": "9", "overline": "53", "palette": "31", "indexed": "38;5;200",
        "rgb": "38;2;1;2;3", "background": "44",
    }.items()}  # fmt: skip
    pictures = [plain.tobytes(), *(tile.tobytes() for tile in shown.values())]
    assert len(set(pictures)) == len(pictures)
    assert np.array_equal(shown["inverse"][0, 0], [216, 219, 226])
    assert np.array_equal(cell(draw("\x1b[8mM\x1b[0m \x1b[?25l"), 0, 0), cell(draw(" \x1b[?25l"), 0, 0))


def test_true_colours_are_exact() -> None:
    assert (cell(draw("\x1b[48;2;12;200;34m  \x1b[?25l"), 0, 0) == (12, 200, 34)).all()
    assert (cell(draw("\x1b[48;5;196m\x1b[2K\x1b[?25l"), 9, 0) == (255, 0, 0)).all(), "erased with a colour"


def test_box_drawing_joins() -> None:
    pixels = draw("│\r\n│\r\n──\x1b[?25l")
    column = pixels[: 2 * CELL_HEIGHT, CELL_WIDTH // 2 - 1 : CELL_WIDTH // 2 + 1].max(axis=(1, 2))
    assert column.min() > BACKGROUND[2] + 60, "no gap between two rows"
    line = pixels[2 * CELL_HEIGHT : 3 * CELL_HEIGHT, : 2 * CELL_WIDTH].max(axis=(0, 2))
    assert line.min() > BACKGROUND[2] + 60, "no gap between two columns"


def test_the_cursor_is_drawn_and_told() -> None:
    screen, canvas = Screen(COLUMNS, ROWS), Canvas(COLUMNS, ROWS)
    screen.feed("ab")
    canvas.update(screen)
    assert canvas.cursor_px() == (2 * CELL_WIDTH + CELL_WIDTH // 2, CELL_HEIGHT // 2)
    assert (cell(canvas.pixels, 2, 0) == (216, 219, 226)).all()
    screen.feed("\x1b[?25l")
    canvas.update(screen)
    assert canvas.cursor_px() == (-1, -1)
    assert (cell(canvas.pixels, 2, 0) == BACKGROUND).all()


def test_a_screen_with_many_colours_is_still_exact() -> None:
    """More different cells than the tile store holds."""
    screen, canvas = Screen(80, 24), Canvas(80, 24)
    for number in range(12):
        text = "".join(f"\x1b[48;2;{number};{i % 256};{i // 256}m " for i in range(80 * 24 - 1))
        screen.feed("\x1b[H" + text)
        canvas.update(screen)
    assert np.array_equal(canvas.pixels, draw("\x1b[H" + text, columns=80, rows=24))


def test_canvases_share_what_they_drew_and_stay_exact() -> None:
    """Pictures drawn in turn, in other colours, while the store of tiles is emptied under them."""
    themes = [DEFAULT, THEMES["solarized-light"]]
    screens = [Screen(80, 24, theme) for theme in themes]
    canvases = [Canvas(80, 24, Appearance(theme=theme)) for theme in themes]
    fed = ["", ""]
    for number in range(12):
        for at, (screen, canvas) in enumerate(zip(screens, canvases, strict=True)):
            many = "".join(f"\x1b[48;2;{number};{at};{i % 256}m{chr(97 + i // 256)}" for i in range(80 * 20))
            text = f"\x1b[0m\x1b[{1 + number};3H{number}\x1b[4;1H" + (many if number % 2 else "ab \x1b[7mc")
            screen.feed(text)
            canvas.update(screen)
            fed[at] += text
            anew = Screen(80, 24, themes[at])
            anew.feed(fed[at])
            other = Canvas(80, 24, Appearance(theme=themes[at]))
            other.update(anew)
            assert np.array_equal(canvas.packed, other.packed)


def test_a_resize_is_padded_with_the_background(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    events = [[0.0, "o", "x" * 60], [0.5, "r", "20x10"], [0.5, "r", "100x30"], [0.5, "o", "\x1b[30;100Hy"]]
    header = {"version": 3, "term": {"cols": 80, "rows": 24}}
    path.write_text("\n".join(map(json.dumps, [header, *events])) + "\n")
    cast = open_cast(path)
    frames = [canvas.pixels for _, canvas in render_cast(cast, extent_of(cast), 2)]
    assert frames[0].shape == (30 * CELL_HEIGHT, 100 * CELL_WIDTH, 3)
    assert (frames[1][10 * CELL_HEIGHT :] == BACKGROUND).all() and (frames[1][:, 20 * CELL_WIDTH :] == BACKGROUND).all()
    assert (cell(frames[3], 99, 29) != BACKGROUND).any()


@given(st.integers(0, 10**7), st.integers(0, 10**18), st.floats(0, 1), st.none() | st.just((8, 16, 24, 32)))
def test_a_line_of_the_log_is_a_frame(number: int, t_ns: int, changed: float, box: tuple[int, int, int, int]) -> None:
    line = Tick(number, t_ns, changed, box, 4, -1).line(3)
    frame = Frame(index=number, t0_ns=t_ns, t1_ns=t_ns, changed=changed, box=box, cursor_x=4, cursor_y=-1, picture=3)
    assert Frame.model_validate_json(line) == frame and line.endswith("\n")


def session(path: Path, events: list[list[object]], duration_ns: int) -> SessionFolder:
    folder = SessionFolder(path)
    path.mkdir()
    header = {"version": 3, "term": {"cols": 40, "rows": 8}}
    folder.cast.write_text("\n".join(map(json.dumps, [header, *events])) + "\n")
    folder.frames_path.touch()
    folder.actions_path.touch()
    folder.write_manifest(
        SessionManifest(
            recorder_version="0", session_id="s", episode_id="e", kind="terminal", task_id="t", family="f",
            goal="a goal", actor="scripted", arm="scripted", seed=0, width=2, height=2, fps=1, environment="local",
            duration_ns=duration_ns, clock=Clock(source="pty", origin_monotonic_ns=0, wall_unix_ns=0), state="complete",
        )
    )  # fmt: skip
    return folder


@pytest.mark.needs("ffmpeg")
def test_a_session_is_drawn_into_the_contract(tmp_path: Path) -> None:
    events: list[list[object]] = [
        [0.1, "o", "$ "],
        [0.9, "o", "ls"],
        [0.5, "o", "\r\n\x1b[31mred\x1b[0m"],
        [0.6, "x", "0"],
    ]
    folder = session(tmp_path / "s", events, 9_000_000_000)
    render_session(folder, 10)
    manifest, frames = folder.read_manifest(), folder.frames()
    assert (manifest.width, manifest.height, manifest.fps, manifest.frames) == (320, 128, 10, 22)
    assert [frame.t0_ns for frame in frames] == [number * 10**8 for number in range(22)], "until the shell ended"
    assert all(frame.t0_ns == frame.t1_ns for frame in frames)
    changes = [frame.index for frame in frames if frame.changed]
    assert changes == [0, 1, 10, 15], "a frame shows all output up to its own time"
    assert frames[10].box == (16, 0, 24, 16)
    video = decode(folder.screen.read_bytes(), pictures=[frame.picture or 0 for frame in frames])
    assert video.shape == (22, 128, 320, 3)
    cast = open_cast(folder.cast)
    wanted = [canvas.pixels for _, canvas in render_cast(cast, extent_of(cast), 10)]
    assert np.abs(video.astype(int) - np.stack(wanted)).mean() < 2
    assert not list(tmp_path.glob("s/.*")), "no temporary file is left"


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize(("duration_ns", "shown"), [(540_000_000, True), (510_000_000, False)])
def test_what_is_written_last_is_seen_unless_the_session_ends_before_the_next_frame(
    tmp_path: Path, duration_ns: int, shown: bool
) -> None:
    events: list[list[object]] = [[0.01, "o", "first"], [0.49, "o", "last"], [0.0, "x", "0"]]
    folder = session(tmp_path / "s", events, duration_ns)
    render_session(folder, 15)
    assert [frame.index for frame in folder.frames() if frame.changed] == [0, 1] + [8] * shown


@pytest.mark.needs("ffmpeg")
def test_a_session_is_drawn_again_with_another_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = session(tmp_path / "s", [[0.1, "o", "\x1b[31m█"], [1.0, "x", "0"]], 2_000_000_000)
    assert main(["render", str(folder.path), "--fps", "5", "--theme", "dracula", "--cell", "10x20"]) == 0
    assert "7 frames of 400x160 px at 5 fps" in capsys.readouterr().out
    pixels = decode(folder.screen.read_bytes())[-1].astype(int)
    assert np.abs(pixels[10, 5] - THEMES["dracula"].palette[1]).max() < 12
    assert np.abs(pixels[100, 200] - THEMES["dracula"].bg).max() < 8
    frames = folder.frames()
    assert [frame.picture for frame in frames] == [0, 1, 1, 1, 1, 2, 2], "a key picture a second"
    before = folder.screen.read_bytes()
    for arguments, said in (
        (["--cell", "1x1"], "--cell 1x1: not within 4x8 and 64x128"),
        (["--theme", "pink"], "--theme pink: not one of"),
        (["--font", str(folder.cast)], "not a font that can be read"),
        (["--fps", "0"], "--fps 0"),
        (["--fallback-font", "none", "--fallback-font", "auto"], "auto and none stand alone"),
        (["--fallback-font", str(folder.cast)], "not a font that can be read"),
    ):
        assert main(["render", str(folder.path), *arguments]) == 2
        assert said in capsys.readouterr().err
    assert folder.screen.read_bytes() == before


@pytest.mark.needs("ffmpeg")
def test_a_session_keeps_its_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = session(tmp_path / "s", [[0.1, "o", "\x1b[31m█ab"], [1.0, "x", "0"]], 2_000_000_000)
    assert folder.read_manifest().look is None
    render_session(folder, 5)
    assert folder.read_manifest().look == TerminalLook()
    font = tmp_path / "font.ttf"
    font.write_bytes(pymupdf_fonts.myfont("ubuntm"))
    draw = ["render", str(folder.path)]
    assert main([*draw, "--theme", "dracula", "--cell", "10x20", "--font", str(font), "--fallback-font", "none"]) == 0
    look = TerminalLook(theme="dracula", cell=(10, 20), fonts=[str(font)], fallback_fonts=[])
    assert folder.read_manifest().look == look
    drawn = decode(folder.screen.read_bytes())
    assert main(draw) == 0
    assert folder.read_manifest().look == look
    assert np.array_equal(decode(folder.screen.read_bytes()), drawn), "as it was"
    assert main([*draw, "--theme", "nord", "--fallback-font", "auto"]) == 0
    assert folder.read_manifest().look == look.model_copy(update={"theme": "nord", "fallback_fonts": None})
    font.unlink()
    before = folder.screen.read_bytes()
    assert main(draw) == 2
    assert f"session.json: --font {font}: no such file" in capsys.readouterr().err
    assert folder.screen.read_bytes() == before
    assert main([*draw, "--usual", "--cell", "9x18"]) == 0
    assert folder.read_manifest().look == TerminalLook(cell=(9, 18))


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize(("look", "said"), [
    ({"cell": [100_000, 100_000]}, "not within 4x8 and 64x128"),
    ({"theme": "pink"}, "pink: not one of"),
    ({"fonts": ["/dev/zero"]}, "--font /dev/zero: no such file"),
    ({"cell": "wide"}, "cell"),
])  # fmt: skip
def test_a_look_from_elsewhere_is_not_trusted(tmp_path: Path, look: dict[str, object], said: str) -> None:
    folder = session(tmp_path / "s", [[0.1, "o", "a"]], 1_000_000_000)
    manifest = json.loads(folder.manifest_path.read_text())
    folder.manifest_path.write_text(json.dumps(manifest | {"look": look}))
    with pytest.raises(GoaltraceError, match=said):
        render_session(folder, 5)
    assert not folder.screen.exists()


@pytest.mark.needs("ffmpeg")
def test_a_session_of_an_older_release_has_no_look_and_is_drawn_as_usual(tmp_path: Path) -> None:
    folder = session(tmp_path / "s", [[0.1, "o", "a"]], 1_000_000_000)
    manifest = json.loads(folder.manifest_path.read_text())
    del manifest["look"]
    folder.manifest_path.write_text(json.dumps(manifest))
    assert main(["render", str(folder.path)]) == 0
    assert folder.read_manifest().look == TerminalLook()


@pytest.mark.needs("ffmpeg")
def test_a_broken_cast_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    folder = session(tmp_path / "s", [[0.1, "o", "a"], [0.1, "o"], [3.0, "o", "b"]], 4_000_000_000)
    before = folder.manifest_path.read_bytes()
    with pytest.raises(GoaltraceError, match="line 3"):
        render_session(folder, 10)
    assert folder.manifest_path.read_bytes() == before
    assert not folder.screen.exists() and folder.frames_path.read_bytes() == b""
    assert not list(tmp_path.glob("s/.*"))
