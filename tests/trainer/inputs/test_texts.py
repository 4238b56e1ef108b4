"""Guarantees of goals: cut and padded to one length, embeddings found by their text or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from manifests.errors import GoaltraceError
from tests.trainer.model.conftest import variant
from trainer.inputs.texts import Texts, goal_key
from trainer.settings.config import Config


def supplied(path: Path) -> Config:
    return variant(model={"text": "supplied", "text_dim": 6, "text_tokens": 4}, data={"texts": str(path)})


def test_bytes_are_utf8_cut_and_padded() -> None:
    made = Texts(variant(model={"text_tokens": 1, "text_dim": 32})).of(["häh", "", "longer"])
    assert made is not None and made.dtype == torch.uint8
    assert [bytes(row.tolist()) for row in made] == ["häh".encode(), b"\0\0\0\0", b"long"]


def test_embeddings_are_found_by_their_goal(tmp_path: Path) -> None:
    short, long = torch.randn(2, 6), torch.randn(9, 6)
    save_file({goal_key("open it"): short, goal_key("ls"): long}, tmp_path / "goals.safetensors")
    made = Texts(supplied(tmp_path / "goals.safetensors")).of(["ls", "open it", "ls"])
    assert made is not None and made.shape == (3, 4, 6)
    assert torch.equal(made[0], long[:4]) and torch.equal(made[2], made[0])
    assert torch.equal(made[1, :2], short) and not made[1, 2:].any()


def test_embeddings_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "goals.safetensors"
    with pytest.raises(GoaltraceError, match=r"data\.texts: no such file"):
        Texts(supplied(path)).of(["ls"])
    save_file({goal_key("ls"): torch.randn(2, 5)}, path)
    with pytest.raises(GoaltraceError, match=r"must be \[tokens, 6\]"):
        Texts(supplied(path)).of(["ls"])
    with pytest.raises(GoaltraceError, match="no embedding for the goal 'pwd'"):
        Texts(supplied(path)).of(["pwd"])
    with pytest.raises(GoaltraceError, match="no embedding for the goal 'pwd'"):
        Texts(supplied(path)).require({"pwd"})


def test_a_goal_without_embedding_is_found_before_training(tmp_path: Path) -> None:
    path = tmp_path / "goals.safetensors"
    save_file({goal_key(goal): torch.randn(2, 6) for goal in ("ls", "pwd")}, path)
    Texts(supplied(path)).require({"ls", "pwd"})
    with pytest.raises(GoaltraceError, match="no embedding for the goal 'cd'"):
        Texts(supplied(path)).require({"ls", "cd"})
    Texts(variant(model={"text": "none"})).require({"cd"})


def test_models_without_text_get_none() -> None:
    assert Texts(variant(model={"text": "none"})).of(["ls"]) is None
