"""Summarising what a scan found in a data set, in counts; no value that was found is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from curation.scan.stage import NAME
from curation.tables import rows_with_scores
from manifests.clip_io import ClipReader

_MOST = 20


@dataclass(frozen=True)
class SensitiveClip:
    """A clip that holds something sensitive."""

    session: str
    values: int
    """How many different sensitive values it holds."""
    kinds: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ScanSummary:
    """What the scan found in a data set."""

    of_clips: int
    not_scanned: int
    """Clips that could not be scanned, or were not."""
    clips: Mapping[str, SensitiveClip]
    """By clip id."""

    @property
    def kinds(self) -> Counter[str]:
        """Kind of sensitive value -> number of clips with one."""
        return Counter(kind for clip in self.clips.values() for kind in clip.kinds)

    def as_json(self) -> dict[str, Any]:
        return {
            "clips": self.of_clips, "clips_sensitive": len(self.clips), "clips_not_scanned": self.not_scanned,
            "kinds": dict(self.kinds.most_common()),
            "sensitive": {clip_id: asdict(clip) for clip_id, clip in self.clips.items()},
        }  # fmt: skip

    def as_text(self) -> str:
        if not self.clips:
            return f"nothing sensitive found in {self.of_clips - self.not_scanned:,} clips"
        lines = [f"{len(self.clips):,} of {self.of_clips:,} clips hold something sensitive (nothing of it is shown)"]
        lines += ["", f"{'kind':<28}{'clips':>8}"]
        lines += [f"{kind:<28}{count:>8,}" for kind, count in self.kinds.most_common()]
        sessions: dict[str, list[SensitiveClip]] = {}
        for clip in self.clips.values():
            sessions.setdefault(clip.session, []).append(clip)
        lines += ["", f"{'session':<44}{'clips':>6}  found in"]
        most = sorted(sessions.items(), key=lambda item: (-len(item[1]), item[0]))
        for session, clips in most[:_MOST]:
            columns = sorted({column for clip in clips for column in clip.columns})
            lines.append(f"{session:<44}{len(clips):>6}  {', '.join(columns)}")
        if len(most) > _MOST:
            lines.append(f"and {len(most) - _MOST:,} sessions more; --json lists every clip")
        return "\n".join(lines)


def summary(reader: ClipReader) -> ScanSummary:
    """Read the summary from the data set's scan tables."""
    rows = rows_with_scores(reader, ["clip_id", "session_id"], only=NAME).to_pylist()
    numbers = [row.get("sensitive") for row in rows]
    clips = {
        row["clip_id"]: SensitiveClip(
            row["session_id"], number, tuple(row["sensitive_kinds"] or ()), tuple(row["sensitive_columns"] or ())
        )
        for row, number in zip(rows, numbers, strict=True)
        if number
    }
    return ScanSummary(len(rows), numbers.count(None), clips)
