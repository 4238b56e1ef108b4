"""When PyTorch cannot compile, which on a GPU also the attention of a causal model needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from manifests.errors import GoaltraceError

_OF = ("torch._dynamo", "torch._inductor", "triton")


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
