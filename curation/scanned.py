"""What a scan found in a data set, in numbers: nothing of it is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from curation.scan.stage import NAME
from curation.tables import rows_with_scores
from manifests.clip_io import ClipReader

_MOST = 20


@dataclass
class Summary:
    """Of a data set that was scanned."""

    of_clips: int = 0
    not_scanned: int = 0
    """Clips of which nothing can be said."""
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Clip with something in it -> session, kinds, columns, and how many different values."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Kind -> clips with one of it."""

    def as_json(self) -> dict[str, Any]:
        return {
            "clips": self.of_clips, "clips_sensitive": len(self.clips), "clips_not_scanned": self.not_scanned,
            "kinds": dict(self.kinds.most_common()), "sensitive": self.clips,
        }  # fmt: skip

    def as_text(self) -> str:
        if not self.clips:
            return f"nothing sensitive found in {self.of_clips - self.not_scanned:,} clips"
        lines = [f"{len(self.clips):,} of {self.of_clips:,} clips hold something sensitive (nothing of it is shown)"]
        lines += ["", f"{'kind':<28}{'clips':>8}"]
        lines += [f"{kind:<28}{count:>8,}" for kind, count in self.kinds.most_common()]
        sessions: dict[str, list[dict[str, Any]]] = {}
        for clip in self.clips.values():
            sessions.setdefault(clip["session"], []).append(clip)
        lines += ["", f"{'session':<44}{'clips':>6}  found in"]
        most = sorted(sessions.items(), key=lambda item: (-len(item[1]), item[0]))
        for session, clips in most[:_MOST]:
            columns = sorted({column for clip in clips for column in clip["columns"]})
            lines.append(f"{session:<44}{len(clips):>6}  {', '.join(columns)}")
        if len(most) > _MOST:
            lines.append(f"and {len(most) - _MOST:,} sessions more; --json lists every clip")
        return "\n".join(lines)


def summary(reader: ClipReader) -> Summary:
    """What the scan's tables say of a data set."""
    rows = rows_with_scores(reader, ["clip_id", "session_id"], only=NAME)
    made = Summary(of_clips=len(rows))
    for row in rows.to_pylist():
        number = row.get("sensitive")
        if number is None:
            made.not_scanned += 1
        elif number:
            made.clips[row["clip_id"]] = {
                "session": row["session_id"], "values": number, "kinds": row["sensitive_kinds"],
                "columns": row["sensitive_columns"],
            }  # fmt: skip
            made.kinds.update(row["sensitive_kinds"])
    return made
