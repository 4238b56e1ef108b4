"""Human typing: whatever slips, what stays is the text."""

from __future__ import annotations

import random
import statistics

from hypothesis import given
from hypothesis import strategies as st

from collector.agents.typing import BACKSPACE, TypingModel, type_text


def typed(text: str, seed: int, model: TypingModel) -> str:
    left: list[str] = []
    for stroke in type_text(text, random.Random(seed), model):
        if stroke.key == BACKSPACE:
            left.pop()
        else:
            left.append(stroke.key)
    return "".join(left)


@given(st.text(max_size=200), st.integers(), st.floats(0, 1))
def test_corrections_always_leave_the_text(text: str, seed: int, slip_rate: float) -> None:
    assert typed(text, seed, TypingModel(slip_rate=slip_rate)) == text


@given(st.text(alphabet="ab \n;|>", max_size=80), st.integers())
def test_a_slip_never_sends_a_line(text: str, seed: int) -> None:
    """Between a wrong key and its BackSpace there are only letters: no Return, no shell operator."""
    strokes = [stroke.key for stroke in type_text(text, random.Random(seed), TypingModel(slip_rate=1.0))]
    left: list[str] = []
    for key in strokes:
        if key == BACKSPACE:
            assert left.pop().isalpha()
        else:
            left.append(key)


def test_the_same_seed_types_the_same() -> None:
    text = "git commit -m 'the same every time'"
    first, again = (list(type_text(text, random.Random(7))) for _ in range(2))
    assert first == again
    assert first != list(type_text(text, random.Random(8)))


def test_intervals_have_the_mean_asked_for() -> None:
    model = TypingModel(mean_s=0.2, slip_rate=0.0, word_pause_s=0.0, alternate_s=0.0)
    delays = [stroke.delay_s for stroke in type_text("sdfewsaderfdsa" * 400, random.Random(1), model)]
    assert abs(statistics.mean(delays) - 0.2) < 0.005
    assert statistics.pstdev(delays) > 0.04
    assert min(delays) >= model.floor_s


def test_slips_happen_at_the_rate_asked_for_and_are_noticed_late() -> None:
    model = TypingModel(slip_rate=0.1)
    strokes = list(type_text("person" * 500, random.Random(3), model))
    first = [
        stroke.delay_s for before, stroke in zip(strokes, strokes[1:], strict=False)
        if stroke.key == BACKSPACE and before.key != BACKSPACE
    ]  # fmt: skip
    assert 200 < len(first) < 400  # 3,000 letters
    assert statistics.mean(first) > 1.5 * model.mean_s


def test_alternate_hands_are_faster() -> None:
    model = TypingModel(slip_rate=0.0)
    same, other = (
        statistics.mean(s.delay_s for s in type_text(pair * 800, random.Random(5), model)) for pair in ("de", "dk")
    )
    assert 0.02 < same - other < 0.05
