"""One thing that is wrong with a session, as one line a person can act on."""

from __future__ import annotations

from dataclasses import dataclass

MEND = "goaltrace sessions recover keeps what is whole"
MEND_DECODED = "goaltrace sessions recover --decode keeps what is whole"


@dataclass(frozen=True)
class Problem:
    """`file`: `what` (`means`); `mend`."""

    file: str
    what: str
    means: str
    mend: str = MEND
    damage: bool = True
    """False for a remark: the files are as the recorder meant them to be."""

    @property
    def recoverable(self) -> bool:
        """True if `recover_session` sees to it."""
        return self.damage and self.mend in (MEND, MEND_DECODED)

    def __str__(self) -> str:
        return one_line(f"{self.file}: {self.what} ({self.means}); {self.mend}")


def one_line(text: str, limit: int = 400) -> str:
    """Text from an untrusted file, fit for a terminal: one line, no control characters, not endless."""
    shown = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
