"""`torch.compile`, which the attention of a causal model needs on a GPU too, and the line for when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import torch

from manifests.errors import GoaltraceError

MOST_COMPILATIONS = 64
"""Of one function. PyTorch's own limit of 8 is met by blocks of two kinds in batches of three sizes."""
P = ParamSpec("P")
T = TypeVar("T")
_COMPILERS = ("torch._dynamo", "torch._inductor", "triton")


def compiled(function: Callable[P, T], dynamic: bool | None = None) -> Callable[P, T]:
    """`torch.compile`, for as many shapes as there are: past its limit PyTorch goes on without compiling."""
    torch._dynamo.config.recompile_limit = MOST_COMPILATIONS
    return torch.compile(function, dynamic=dynamic)


@contextmanager
def explain_compile_errors() -> Iterator[None]:
    """Turns an error of torch.compile into one line: mostly a C++ compiler or Python's header files are missing.

    Raises:
        GoaltraceError: in place of the compiler's error; any other error passes as it is.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(_COMPILERS):
            raise
        reason = " ".join(str(error).partition("\n\nSet TORCHDYNAMO")[0].split()) or type(error).__name__
        raise GoaltraceError(
            f"torch.compile failed ({reason[:200]}); it takes a C++ compiler, and for a GPU the headers of Python "
            "(Debian: apt install g++ python3-dev); a CPU can do without: train.compile=false, --device cpu"
        ) from None
