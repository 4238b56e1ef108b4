"""What is in the data set, in figures: counts, who acted, families of tasks, arms, lineage, what was left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from curation.publish.card.text import plain, some, table
from curation.report.table import METRICS, compare, format_mean
from manifests.dataset import DatasetManifest

OUTCOMES = ("success", "failure", "aborted", "unverified")
FAMILIES = 30
LEFT_OUT = 50
COLUMNS = ("session_id", "kind", "task_id", "family", "actor", "control", "outcome", "environment", "duration_ns")

PEOPLE, SCRIPTS, CONTROLS, IMPORTED, OTHERS = "people", "scripts", "controls", "imported", "models and other agents"
WHO = {
    PEOPLE: "who agreed to it before the recording began",
    SCRIPTS: "scripted agents with a goal, and tapes",
    CONTROLS: "no goal, for comparison",
    IMPORTED: "recorded by others, with other tools; who acted is what they say",
    OTHERS: "agents that are neither of the above",
}


@dataclass
class Share:
    """A part of the data set: its sessions, by outcome, and its hours."""

    sessions: dict[str, str] = field(default_factory=dict)
    """Session id -> outcome."""
    names: set[str] = field(default_factory=set)
    hours: float = 0.0


def who(actor: str, control: bool, environment: str) -> str:
    """Which of WHO acted."""
    if actor.partition(":")[0] == "human":
        return PEOPLE
    if environment == "import":
        return IMPORTED
    if control:
        return CONTROLS
    return SCRIPTS if actor in ("scripted", "tape") else OTHERS


def shares(rows: pa.Table, by: str) -> dict[str, Share]:
    """The data set in parts: by who acted ("who", names: the actors), or by family ("family", names: the tasks)."""
    found: dict[str, Share] = defaultdict(Share)
    for row in rows.select(COLUMNS).to_pylist():
        key = row["family"] if by == "family" else who(row["actor"], row["control"], row["environment"])
        share = found[key]
        share.sessions[row["session_id"]] = row["outcome"]
        share.names.add(row["task_id"] if by == "family" else row["actor"])
        share.hours += row["duration_ns"] / 3.6e12
    return dict(sorted(found.items(), key=lambda item: (-item[1].hours, item[0])))


def counts(manifest: DatasetManifest) -> str:
    has = manifest.counts
    outcomes = ", ".join(f"{number:,} {plain(name)}" for name, number in has.sessions_by_outcome.items())
    return (
        f"**{has.hours:.3f} hours**, {has.sessions:,} sessions ({outcomes}), {has.clips:,} clips, "
        f"{has.frames:,} frames, {has.actions:,} input events. Schema {manifest.schema_version}.\n"
    )


def actors(rows: pa.Table) -> str:
    """Who acted. People are counted and not named."""
    found = shares(rows, "who")
    lines = (
        [
            kind,
            f"{len(share.names):,} by pseudonym" if kind == PEOPLE else some(sorted(share.names), 6),
            *(f"{len(share.sessions):,}", f"{share.hours:.3f}", WHO[kind]),
        ]
        for kind, share in found.items()
    )
    return table(("who", "`actor`", "sessions", "hours", ""), lines)


def families(rows: pa.Table) -> str:
    """Families of tasks with their tasks and what came of them, the largest first."""
    found = list(shares(rows, "family").items())
    lines = (
        [
            *(plain(family), some(sorted(share.names), 4)),
            *(f"{len(share.sessions):,}", f"{share.hours:.3f}"),
            *(f"{list(share.sessions.values()).count(outcome):,}" for outcome in OUTCOMES),
        ]
        for family, share in found[:FAMILIES]
    )
    text = table(("family", "tasks", "sessions", "hours", *OUTCOMES), lines)
    rest = [share for _, share in found[FAMILIES:]]
    if rest:
        sessions, hours = sum(len(share.sessions) for share in rest), sum(share.hours for share in rest)
        text += f"\nand {len(rest):,} more families with {sessions:,} sessions, {hours:.3f} hours.\n"
    return text


def arms(rows: pa.Table) -> str:
    """Arm against arm, with the scores there are."""
    heads = ("kind", "arm", "sessions", "clips", "hours", *(title for title, _ in METRICS.values()))
    lines = (
        [
            *(plain(row.kind), plain(row.arm), str(row.sessions), str(row.clips), f"{row.hours:.3f}"),
            *(format_mean(row.means[name]) for name in METRICS),
        ]
        for row in compare(rows)
    )
    note = "Means over clips, 95 % intervals (sessions resampled). Chance is 0 for efficacy, 0.5 for contingency.\n"
    return f"{table(heads, lines)}\n{note}"


def lineage(manifest: DatasetManifest) -> str:
    rows = (
        (
            plain(step.when_utc),
            plain(step.command),
            plain(step.version),
            plain(", ".join(f"{key}={value}" for key, value in step.parameters.items())),
            plain(", ".join(f"{source.name} {source.sha256[:12]}" for source in step.inputs[:6]))
            + (f" and {len(step.inputs) - 6} more" if len(step.inputs) > 6 else ""),
        )
        for step in manifest.lineage
    )
    text = "`dataset.json` has it in full, with the SHA-256 of every file.\n"
    return table(("when (UTC)", "command", "version", "parameters", "inputs"), rows) + "\n" + text


def left_out(manifest: DatasetManifest) -> str:
    entries: Sequence[tuple[str, str]] = [(plain(entry.name), plain(entry.reason)) for entry in manifest.left_out]
    if not entries:
        return "No session was left out.\n"
    more = f"\nand {len(entries) - LEFT_OUT:,} more, named in `dataset.json`.\n" if len(entries) > LEFT_OUT else ""
    return table(("session", "reason"), entries[:LEFT_OUT]) + more
