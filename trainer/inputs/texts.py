"""Goals as the model takes them: bytes for its own encoder, or embeddings that the user's language model made."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from manifests.errors import GoaltraceError
from trainer.model.text import BYTES_PER_TOKEN, text_bytes
from trainer.settings.config import Config


def goal_key(goal: str) -> str:
    """The name under which a goal's embedding is stored: SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(goal.encode()).hexdigest()


class Texts:
    """Looks goals up; bounded by the goals of the data set, not by its clips."""

    def __init__(self, config: Config) -> None:
        self._kind, self._tokens, self._width = config.model.text, config.model.text_tokens, config.model.text_dim
        self._path = Path(config.data.texts)
        self._known: dict[str, Tensor] = {}

    def of(self, goals: list[str]) -> Tensor | None:
        """bytes: uint8 [B, L]; supplied: float [B, text_tokens, text_dim], zeros behind the end; none: None."""
        if self._kind == "none":
            return None
        if self._kind == "bytes":
            return text_bytes(goals, self._tokens * BYTES_PER_TOKEN)
        new = sorted({goal for goal in goals if goal not in self._known})
        if new:
            self._load(new)
        return torch.stack([self._known[goal] for goal in goals])

    def require(self, goals: set[str]) -> None:
        """Raise `GoaltraceError` unless every goal has its embedding: found out before hours of training are spent."""
        if self._kind == "supplied":
            for goal in sorted(goals):
                self._load([goal])
                self._known.clear()  # a large data set's need not all fit into memory

    def _load(self, goals: list[str]) -> None:
        from safetensors import SafetensorError, safe_open

        if not self._path.is_file():
            raise GoaltraceError(f"{self._path}: data.texts: no such file; give a safetensors file of embeddings")
        try:
            with safe_open(self._path, framework="pt") as file:
                names = set(file.keys())
                for goal in goals:
                    key = goal_key(goal)
                    if key not in names:
                        raise GoaltraceError(
                            f"{self._path}: has no embedding for the goal {goal!r} (named {key[:12]}…); "
                            "make one for every goal of the data set"
                        )
                    self._known[goal] = self._padded(file.get_tensor(key), key)
        except (SafetensorError, OSError) as error:
            raise GoaltraceError(f"{self._path}: data.texts: not safetensors ({str(error)[:80]})") from None

    def _padded(self, embedding: Tensor, key: str) -> Tensor:
        if embedding.dim() != 2 or embedding.shape[1] != self._width:
            shape = tuple(embedding.shape)
            raise GoaltraceError(f"{self._path}: {key[:12]}…: is {shape}, must be [tokens, {self._width}]")
        out = torch.zeros(self._tokens, self._width)
        kept = embedding[: self._tokens].float()
        out[: len(kept)] = kept
        return out
