"""Compiling by PyTorch, which on a GPU also the attention of a causal model needs; and when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import torch

from manifests.errors import GoaltraceError

MOST = 64
"""Compilations of one function. PyTorch's own limit of 8 is met by blocks of two kinds in batches of three sizes."""
P = ParamSpec("P")
T = TypeVar("T")
_OF = ("torch._dynamo", "torch._inductor", "triton")


def compiled(function: Callable[P, T], dynamic: bool | None = None) -> Callable[P, T]:
    """`torch.compile`, for as many shapes as there are: past its limit PyTorch goes on without compiling."""
    torch._dynamo.config.recompile_limit = MOST
    return torch.compile(function, dynamic=dynamic)


@contextmanager
def told_when_it_fails() -> Iterator[None]:
    """What is missing on this machine becomes one line: mostly a compiler, or Python's header files."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(_OF):
            raise
        reason = " ".join(str(error).partition("\n\nSet TORCHDYNAMO")[0].split()) or type(error).__name__
        raise GoaltraceError(
            f"torch.compile failed ({reason[:200]}); it takes a C++ compiler, and for a GPU the headers of Python "
            "(Debian: apt install g++ python3-dev); a CPU can do without: train.compile=false, --device cpu"
        ) from None
