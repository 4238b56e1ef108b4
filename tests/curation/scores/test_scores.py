"""What efficacy and contingency promise, on clips whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.report.table import auc
from curation.scores import contingency, efficacy, frames
from curation.scores.action_slots import ActionSlot, action_slots, clicks
from curation.scores.activity import activity
from curation.scores.frames import CELL_PX, Pixels, read_pixels
from curation.scores.shard import measure_clip, score_table
from manifests.errors import GoaltraceError
from manifests.video import iter_frames
from tests.factories import FPS, HEIGHT, WIDTH, encode, make_clip

STEP_NS = round(1e9 / FPS)


def action(slot: int, kind: str, **fields: Any) -> dict[str, Any]:
    """An action early in its slot."""
    names = ("x", "y", "dx", "dy", "button", "key", "char")
    base = {"t_ns": slot * STEP_NS + 5_000_000, "slot": slot, "ambiguous": False, "redacted": False}
    return {**base, "kind": kind, **dict.fromkeys(names), **fields}


def steps(frames: int, changed: set[int], at: tuple[int, int] = (0, 0), cells: tuple[int, int] = (4, 4)) -> Pixels:
    """Change maps in which the given frame steps change at one cell (row, column)."""
    counts = np.zeros((frames - 1, *cells), np.uint16)
    for step in changed:
        counts[step, at[0], at[1]] = 50
    return Pixels(counts, 1.0, [])


def times(frames: int) -> list[int]:
    return [i * STEP_NS for i in range(frames)]


def still(frames: int) -> list[tuple[int, int]]:
    return [(4, 4)] * frames


def press(slot: int, at: tuple[int, int] | None = None) -> ActionSlot:
    return ActionSlot(slot, True, at)


def test_scores_rank_goal_arm_above_random_arm() -> None:
    arms = ("scripted", "random-fast")
    measures = [measure_clip(make_clip(arm, seed, frames=120, pause=12)) for arm in arms for seed in range(4)]
    rows = score_table(measures).to_pylist()
    goal, random = rows[:4], rows[4:]
    for column in ("efficacy", "contingency", "click_change"):
        assert auc([r[column] for r in goal], [r[column] for r in random]) == 1.0, column
    assert np.mean([r["efficacy"] for r in random]) == pytest.approx(0, abs=0.25)
    assert np.mean([r["contingency"] for r in random]) == pytest.approx(0.5, abs=0.2)


def test_pointer_alone_is_not_a_change() -> None:
    row = make_clip("random-fast", 7, frames=60)
    row["actions"] = [a for a in row["actions"] if a["kind"] == "move"]
    path = list(zip(row["cursor_x"], row["cursor_y"], strict=True))
    images = np.full((60, HEIGHT, WIDTH, 3), 90, np.uint8)
    for image, (x, y) in zip(images, path, strict=True):
        image[y : y + 20, x : x + 12] = 255
    row["video"]["bytes"] = encode(images, row["pts"])
    assert len(set(path)) > 20
    assert not read_pixels(row, [], contingency.click_rank).totals.any()


def test_key_frames_of_a_still_screen_are_not_changes() -> None:
    row = make_clip("scripted", 0, frames=46)
    text = np.random.default_rng(1).random((HEIGHT // 2, WIDTH // 2)) < 0.3
    screen = np.where(np.kron(text, np.ones((2, 2), np.bool_))[..., None], (210, 220, 180), (20, 22, 28))
    row["video"]["bytes"] = encode(np.repeat(screen[None].astype(np.uint8), 46, axis=0), row["pts"])
    row["actions"], row["cursor_x"], row["cursor_y"] = [], [-1] * 46, [-1] * 46
    assert (read_pixels(row, [], contingency.click_rank).totals < efficacy.CHANGED_PX).all()


def test_text_cursor_that_a_program_moves_is_a_change() -> None:
    row = make_clip("scripted", 0, frames=4) | {"kind": "terminal", "actions": []}
    images = np.full((4, HEIGHT, WIDTH, 3), 20, np.uint8)
    for image, x in zip(images, (40, 40, 48, 48), strict=True):
        image[32:48, x : x + 8] = 220
    row["video"]["bytes"] = encode(images, row["pts"])
    row["cursor_x"], row["cursor_y"] = [44, 44, 52, 52], [40] * 4
    pixels = read_pixels(row, [], contingency.click_rank)
    assert (pixels.totals >= efficacy.CHANGED_PX).tolist() == [False, True, False]


def test_change_is_seen_where_it_is() -> None:
    row = make_clip("scripted", 0, frames=4)
    images = np.full((4, HEIGHT, WIDTH, 3), 90, np.uint8)
    images[2:, 100:110, 200:212] = 240
    row["video"]["bytes"] = encode(images, row["pts"])
    row["cursor_x"] = row["cursor_y"] = [10] * 4
    pixels = read_pixels(row, [], contingency.click_rank)
    assert (pixels.totals >= efficacy.CHANGED_PX).tolist() == [False, True, False]
    assert pixels.near(205, 105, 20, 0, 3)[1] == 120
    assert pixels.near(30, 30, 20, 0, 3)[1] == 0


def test_structure_of_the_pointer_is_not_structure_of_the_screen() -> None:
    row = make_clip("scripted", 0, frames=3)
    images = np.full((3, HEIGHT, WIDTH, 3), 90, np.uint8)
    images[1:, 80:100:2, 120:132] = 255  # a stripy pointer on an empty screen
    row["video"]["bytes"] = encode(images, row["pts"])
    row["cursor_x"], row["cursor_y"] = [10, 120, 120], [10, 80, 80]
    row["actions"] = [action(1, "button_down", x=120, y=80, button="left")]
    pixels = read_pixels(row, clicks(row["actions"]), contingency.click_rank)
    assert pixels.click_ranks == [pytest.approx(0.5, abs=0.05)]


def test_effect_of_a_click_is_not_in_its_contingency() -> None:
    row = make_clip("scripted", 0, frames=4)
    images = np.full((4, HEIGHT, WIDTH, 3), 90, np.uint8)
    images[2:, 60:120:4, 100:160] = 255  # appears with the click, in the frame after it
    row["video"]["bytes"] = encode(images, row["pts"])
    row["cursor_x"] = row["cursor_y"] = [10] * 4
    row["actions"] = [action(1, "button_down", x=130, y=90, button="left")]
    pixels = read_pixels(row, clicks(row["actions"]), contingency.click_rank)
    assert pixels.click_ranks == [pytest.approx(0.5, abs=0.02)]


def test_video_with_other_frames_than_named_is_refused() -> None:
    row = make_clip("scripted", 0, frames=20)
    row |= {name: row[name][:-1] for name in ("t1_ns", "cursor_x", "cursor_y", "picture", "frame_redacted")}
    with pytest.raises(GoaltraceError, match="scripted-0-0000: the video has more than the 19 pictures"):
        read_pixels(row, [], contingency.click_rank)


def test_work_skipped_for_unchanged_frames_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [make_clip(arm, 0, frames=120, pause=12, once=True) for arm in ("scripted", "random-fast")]
    skipped = score_table([measure_clip(row) for row in rows])
    monkeypatch.setattr(frames, "iter_frames", lambda *args: (image.copy() for image in iter_frames(*args)))
    assert score_table([measure_clip(row) for row in rows]) == skipped


def test_going_blank_is_no_change_and_what_was_done_behind_it_is_not_scored() -> None:
    row = make_clip("scripted", 0, frames=60)
    images = np.full((60, HEIGHT, WIDTH, 3), 90, np.uint8)
    images[20:40] = 0
    row["video"]["bytes"] = encode(images, row["pts"])
    row["frame_redacted"] = [20 <= i < 40 for i in range(60)]
    row["actions"] = [
        action(25, "key_down") | {"redacted": True},
        action(27, "button_down") | {"redacted": True},
        action(28, "move") | {"redacted": True},
        action(29, "scroll") | {"redacted": True},
    ]
    assert read_pixels(row, [], contingency.click_rank).totals.sum() == 0
    measured = measure_clip(row)
    assert measured.responses == []
    assert measured.rest.windows[1] > 0
    behind = measure_clip(row | {"frame_redacted": [i >= 10 for i in range(60)], "actions": []})
    assert behind.rest.windows[1] == 1  # frames 8 and 9: half a second after the start, before it goes blank


@pytest.mark.parametrize(
    ("recorded", "counted"),
    [
        (action(0, "move", x=1, y=1), False),
        (action(0, "button_up", x=1, y=1, button="left"), False),
        (action(0, "key_up", key="a"), False),
        (action(0, "key_down", key="Control_L"), False),
        (action(0, "resize"), False),
        (action(0, "key_down", key="s", char="s"), True),
        (action(0, "button_down", x=1, y=1, button="left"), True),
        (action(0, "scroll", x=1, y=1, dy=-1), True),
    ],
)
def test_only_presses_and_scrolls_are_actions(recorded: dict[str, Any], counted: bool) -> None:
    assert bool(action_slots([recorded])) is counted


def test_terminal_echo_earns_no_credit() -> None:
    typed = [action(3, "key", key="l", char="l"), action(5, "key", key="Return", char="\r")]
    assert [(o.slot, o.scored) for o in action_slots(typed)] == [(3, False), (5, True)]


def test_double_click_counts_once() -> None:
    down = [action(2, "button_down", x=50, y=50, button="left"), action(4, "button_down", x=51, y=50, button="left")]
    assert len(clicks(down)) == 1
    assert len(clicks([*down, action(30, "button_down", x=51, y=50, button="left")])) == 2


def test_change_counts_for_the_nearest_action_before_it() -> None:
    responses, _ = efficacy.measure(steps(40, {12}), times(40), [press(9), press(11)], still(40))
    assert [(r.steps, r.changed) for r in responses] == [(2, False), (8, True)]


def test_change_after_the_window_earns_no_credit() -> None:
    responses, rest = efficacy.measure(steps(40, {25}), times(40), [press(10)], still(40))
    assert [r.changed for r in responses] == [False]
    assert rest.changed[1] == 1


def test_screen_that_changes_by_itself_gives_no_efficacy() -> None:
    every = set(range(199))
    responses, rest = efficacy.measure(steps(200, every), times(200), [press(30), press(90)], still(200))
    found = efficacy.summarise(responses, [("session", rest)])
    assert found.rate == found.baseline == 1.0


def test_click_on_something_is_told_from_a_change_elsewhere() -> None:
    far = steps(60, {10, 40}, at=(30, 30), cells=(40, 40))
    near_click, far_click = press(10, (30 * CELL_PX, 30 * CELL_PX)), press(40, (0, 0))
    responses, _ = efficacy.measure(far, times(60), [near_click, far_click], still(60))
    assert [(r.changed, r.changed_near) for r in responses] == [(True, True), (True, False)]


def test_no_rest_anywhere_gives_no_efficacy() -> None:
    busy = [press(slot) for slot in range(0, 59, 3)]
    responses, rest = efficacy.measure(steps(60, {1, 5}), times(60), busy, still(60))
    found = efficacy.summarise(responses, [("session", rest), ("arm", rest)])
    assert (found.baseline, found.source) == (None, None)
    assert found.rate is not None


def test_baseline_falls_back_to_the_arm_and_says_so() -> None:
    responses, busy = efficacy.measure(steps(20, {10}), times(20), [press(10)], still(20))
    _, quiet = efficacy.measure(steps(200, set()), times(200), [], still(200))
    found = efficacy.summarise(responses, [("session", busy), ("arm", quiet)])
    assert (found.rate, found.baseline, found.source) == (1.0, 0.0, "arm")


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.6))
def test_actions_that_do_nothing_have_no_efficacy_on_average(seed: int, share: float) -> None:
    """Changes fall independently of the actions: the rate is the baseline, whatever the density of either."""
    rng = np.random.default_rng(seed)
    frames = 6_000
    changed = set(np.flatnonzero(rng.random(frames - 1) < share).tolist())
    acts = [press(int(slot)) for slot in np.flatnonzero(rng.random(frames - 1) < 0.1)]
    responses, rest = efficacy.measure(steps(frames, changed, cells=(1, 1)), times(frames), acts, still(frames))
    found = efficacy.summarise(responses, [("session", rest)])
    assert found.rate == pytest.approx(found.baseline, abs=0.1)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_contingency_of_all_points_averages_one_half(seed: int, boxes: int) -> None:
    """Over every point of a frame the percentile rank averages exactly 0.5, whatever is on the screen."""
    rng = np.random.default_rng(seed)
    screen = np.full((16, 20), 90, np.uint8)
    for _ in range(boxes):
        y, x = int(rng.integers(12)), int(rng.integers(16))
        screen[y : y + 4, x : x + 4] = rng.integers(0, 255)
    known = np.ones_like(screen, np.bool_)
    ranks = [contingency.click_rank(screen, known, x, y) for y in range(16) for x in range(20)]
    assert np.mean(ranks) == pytest.approx(0.5)


def test_blank_screen_says_nothing_about_a_click() -> None:
    blank = np.full((90, 120), 30, np.uint8)
    assert contingency.click_rank(blank, np.ones_like(blank, np.bool_), 60, 40) == 0.5


def test_click_on_structure_ranks_above_a_click_on_nothing() -> None:
    screen = np.full((90, 120), 30, np.uint8)
    screen[40:50, 60:80:2] = 255
    known = np.ones_like(screen, np.bool_)
    assert contingency.click_rank(screen, known, 70, 45) > 0.95
    assert contingency.click_rank(screen, known, 10, 10) < 0.5


def test_typed_goal_ranks_above_its_own_letters_shuffled() -> None:
    goal = "Create the file harbor.txt with the words copper lantern"
    rank, chars = contingency.text_rank("echo copper lantern > harbor.txt\n", goal, "clip")
    assert rank is not None
    assert rank > 0.99
    assert chars == 26


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 2**32 - 1))
def test_random_letters_rank_at_chance_on_average(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz "), 40)) for _ in range(60)]
    ranks = [contingency.text_rank(text, "Rename report.txt to summary.txt", str(i))[0] for i, text in enumerate(texts)]
    assert np.mean([rank for rank in ranks if rank is not None]) == pytest.approx(0.5, abs=0.12)


@given(st.text(max_size=60), st.text(max_size=60))
@settings(deadline=None, max_examples=50)
def test_any_text_gives_a_rank_or_none(text: str, goal: str) -> None:
    rank, chars = contingency.text_rank(text, goal, "clip")
    assert rank is None or 0 <= rank <= 1
    assert (rank is None) or chars >= contingency.MIN_CHARS


def test_typed_text_applies_backspace_and_leaves_out_redacted_keys() -> None:
    keys = [("h", "h"), ("x", "x"), ("BackSpace", "\b"), ("i", "i"), ("Return", "\r")]
    typed = [action(0, "key_down", key=key, char=char) for key, char in keys]
    secret = action(1, "key_down", key="s", char="s") | {"redacted": True}
    assert contingency.typed_text([*typed, secret]) == "hi\n"


def test_activity_counts_presses_and_the_pointers_way() -> None:
    row = make_clip("scripted", 0, frames=4)
    row |= {"cursor_x": [0, 3, 3, -1], "cursor_y": [0, 4, 4, -1], "duration_ns": 2 * 10**9}
    row["actions"] = [action(0, "button_down", x=0, y=0, button="left"), action(1, "key_down", key="a", char="a")]
    assert activity(row) == {"actions_per_s": 1.0, "cursor_px_per_frame": 2.5, "key_share": 0.5}


def test_clip_without_actions_has_nulls_not_zeros() -> None:
    row = make_clip("scripted", 0, frames=40)
    row["actions"] = []
    (scored,) = score_table([measure_clip(row)]).to_pylist()
    assert scored["actions_scored"] == scored["clicks_scored"] == 0
    assert {scored[name] for name in ("efficacy", "efficacy_rate", "contingency", "key_share")} == {None}
