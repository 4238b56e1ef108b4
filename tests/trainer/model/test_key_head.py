"""Guarantees of the key head: it learns which key writes what, and leaves alone what no key touches."""

from __future__ import annotations

import torch

from tests.trainer.model.conftest import variant
from trainer.actions import RAW_FEATURES
from trainer.model.key_head import KERNEL, KeyHead
from trainer.training.pretrain.keys import TypedPart, fit_key_head

CONFIG = variant(actions={"key_width": 16})
CURSOR, GLYPHS = 0, {"a": 1, "b": 2}


def pressed(*keys: str) -> torch.Tensor:
    """One slot a key, then nothing: uint8 [1, 1, S, 182]."""
    actions = torch.zeros(1, 1, CONFIG.actions.substeps, len(RAW_FEATURES), dtype=torch.uint8)
    for slot, key in enumerate(keys):
        actions[0, 0, slot, RAW_FEATURES.index(f"key:{key}")] = 1
    return actions


def screen(text: str, row: int, column: int) -> torch.Tensor:
    """A line of cells with a cursor behind it: [C, 8, 20]."""
    cells = torch.zeros(CONFIG.codec.channels, 8, 20)
    for place, letter in enumerate(text):
        cells[GLYPHS[letter], row, column + place] = 2
    cells[CURSOR, row, column + len(text)] = 2
    return cells


def lessons(count: int) -> list[TypedPart]:
    generator = torch.Generator().manual_seed(0)
    made = []
    for number in range(count):
        row, column, length = (int(torch.randint(0, size, (1,), generator=generator)) for size in (8, 10, 5))
        text, key = "ab" * length, "ab"[number % 2]
        before, after = screen(text, row, column), screen(text + key, row, column)
        made.append(TypedPart(before, after, pressed(key)[0, 0], row, column + len(text)))
    return made


def test_it_learns_which_key_writes_what_and_where() -> None:
    torch.manual_seed(0)
    head = KeyHead(CONFIG)
    fit_key_head(head, lessons(200), steps=150, seed=0)
    before = screen("abba", 3, 4)
    with torch.no_grad():
        for key in "ab":
            after = before[None, :, None] + head(before[None, :, None], pressed(key))
            assert (after[0, :, 0] - screen("abba" + key, 3, 4)).abs().max() < 0.7
        both = before[None, :, None] + head(before[None, :, None], pressed("b", "a"))
        assert (both[0, :, 0] - screen("abbaba", 3, 4)).abs().max() < 0.9


def test_slots_without_keys_and_hidden_keys_change_nothing() -> None:
    head = KeyHead(CONFIG)
    torch.nn.init.normal_(head.conv_3.weight)
    history = torch.randn(1, CONFIG.codec.channels, 1, 8, 20)
    assert not head(history, pressed()).any()
    assert not head(history, pressed("a"), torch.tensor([False])).any()
    assert not head(history, pressed("Shift_L")).any()
    assert head(history, pressed("a")).any()


def test_a_key_reaches_no_farther_than_its_neighbourhood() -> None:
    torch.manual_seed(0)
    head = KeyHead(CONFIG)
    torch.nn.init.normal_(head.conv_3.weight)
    history = torch.zeros(1, CONFIG.codec.channels, 1, 9, 30)
    other = history.clone()
    other[0, :, 0, 4, 15] = 1
    touched = (head(history, pressed("a")) - head(other, pressed("a"))).abs().amax(1)[0, 0] > 1e-6
    rows, columns = touched.nonzero(as_tuple=True)
    assert (rows - 4).abs().max() <= 2 * (KERNEL[0] // 2) and (columns - 15).abs().max() <= 2 * (KERNEL[1] // 2)


def test_weights_get_a_gradient_even_when_nothing_is_pressed() -> None:
    head = KeyHead(CONFIG)
    head(torch.randn(1, CONFIG.codec.channels, 1, 8, 20), pressed()).sum().backward()
    assert all(weight.grad is not None for weight in head.parameters())
