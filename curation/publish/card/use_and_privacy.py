"""The card's sections on intended use, limits, privacy and citation, derived from the data set's own columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pyarrow as pa

from curation.publish.card.contents import CONTROLS, IMPORTED, PEOPLE, who
from curation.publish.card.text import plain, some
from manifests.clip import EventRow
from manifests.dataset import DatasetManifest, LineageStep

COLUMNS = (
    "session_id family kind actor control outcome environment clock_source width height fps duration_ns dropped "
    "invalid_reasons"
).split()
SMALL = 10
"""Hours below which a data set is called small: the published result that this format was made for had about 110."""


def uses(manifest: DatasetManifest, rows: pa.Table) -> str:
    """Intended use, and limits, each with its figure."""
    clips: list[EventRow] = rows.select(COLUMNS).to_pylist()
    return (
        "**Meant for** training and evaluating models that predict what a screen shows after an action, models that "
        "act on screens, and for measuring recorders and filters.\n\n"
        "**Not meant for** finding out who somebody is, watching or grading people, or as proof that an agent is safe "
        "outside of what is recorded here.\n\nLimits, by this data set's own figures:\n\n"
        + "".join(f"- {limit}\n" for limit in _limits(manifest, clips))
    )


def _limits(manifest: DatasetManifest, clips: list[EventRow]) -> Iterator[str]:
    hours = sum(clip["duration_ns"] for clip in clips) / 3.6e12
    if hours < SMALL:
        yield f"It is small: {hours:.3f} hours. Few sessions make wide intervals."
    for kind in sorted({clip["kind"] for clip in clips}):
        of = [clip for clip in clips if clip["kind"] == kind]
        sizes = sorted({(clip["width"], clip["height"]) for clip in of})
        rates = sorted({clip["fps"] for clip in of})
        shown = ", ".join(f"{width}x{height}" for width, height in sizes[:6])
        more = f" and {len(sizes) - 6:,} more" if len(sizes) > 6 else ""
        fast = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
        yield f"{plain(kind)}: only {shown}{more} px, at {fast} frames a second asked for."
    groups = {key: share for key, share in _by_who(clips).items() if share}
    if not {PEOPLE, IMPORTED} & set(groups):
        yield "No person acted in it: no human timing, no human mistakes but those that a script imitates."
    if set(groups) == {CONTROLS}:
        yield "All of it is control: nobody pursued a goal."
    if share := _share(clips, lambda clip: clip["clock_source"] == "nominal"):
        yield (
            f"{share} of the hours have times that nobody measured (`clock_source` is `nominal`): an action may belong "
            "to another frame than its slot says."
        )
    if share := _share(clips, lambda clip: bool(clip["invalid_reasons"])):
        yield f"{share} of the hours have a reason not to trust their times (`invalid_reasons`)."
    if share := _share(clips, lambda clip: clip["dropped"] > 0):
        yield f"{share} of the hours are clips with frames that the recorder had to drop (`dropped`)."
    if share := _share(clips, lambda clip: clip["outcome"] == "unverified"):
        yield f"{share} of the hours are of sessions whose outcome nothing checked (`unverified`)."
    families = {clip["family"] for clip in clips}
    if len(families) == 1:
        yield f"All tasks are of one family, {plain(next(iter(families)))}."
    if IMPORTED in groups:
        yield f"{groups[IMPORTED]} of the hours were recorded by others; their terms and their errors come with them."
    if manifest.left_out:
        yield f"{len(manifest.left_out):,} sessions were left out, see below; what is left may be the easier ones."


def _by_who(clips: list[EventRow]) -> dict[str, str]:
    kinds = sorted({_who(clip) for clip in clips})
    return {kind: _share(clips, _acted(kind)) for kind in kinds}


def _acted(kind: str) -> Callable[[EventRow], bool]:
    return lambda clip: _who(clip) == kind


def _who(clip: EventRow) -> str:
    return who(clip["actor"], clip["control"], clip["environment"])


def _share(clips: list[EventRow], test: Callable[[EventRow], bool]) -> str:
    """The share of the hours as the card words it, for example "12 %"; '' for none."""
    all_ns = sum(clip["duration_ns"] for clip in clips)
    some_ns = sum(clip["duration_ns"] for clip in clips if test(clip))
    share = 100 * some_ns / all_ns if all_ns else 0.0
    if not some_ns:
        return ""
    return "All" if some_ns == all_ns else f"{share:.0f} %" if share >= 1 else "Less than 1 %"


def privacy(manifest: DatasetManifest, rows: pa.Table) -> str:
    """Whether the data set was scanned for secrets, when and how; and whose recordings these are."""
    people: dict[str, set[str]] = {}
    for row in rows.select(["actor", "session_id"]).to_pylist():
        if row["actor"].partition(":")[0] == "human":
            people.setdefault(row["actor"], set()).add(row["session_id"])
    lines = [_scanned(manifest)]
    if people:
        sessions = sum(len(ids) for ids in people.values())
        lines.append(
            f"{sessions:,} sessions are of {len(people):,} people. Each agreed to a text before recording began, and "
            "is known here by a pseudonym in `actor` alone. What a person hid or paused is blank or absent "
            "(`frame_redacted`, `redacted`). Who wants their recordings removed says so with that pseudonym."
        )
    else:
        lines.append("No session is of a person who was recorded with GoalTrace.")
    if any(row["environment"] == "import" for row in rows.select(["environment"]).to_pylist()):
        lines.append(
            "Imported recordings were made by others; whom they show, and what those agreed to, is not known here."
        )
    return "\n\n".join(lines) + "\n"


def _scanned(manifest: DatasetManifest) -> str:
    merged = max((n for n, step in enumerate(manifest.lineage) if step.command == "goaltrace merge"), default=0)
    steps = [
        (step, number < merged)
        for number, step in enumerate(manifest.lineage)
        if re.match(r"(goaltrace )?scan\b", step.command)
    ]
    tables = sorted({score.stage_version for score in manifest.scores if score.name == "scan"})
    if not steps and not tables:
        return (
            "**Not scanned** for secrets or personal data. Names, addresses and keys may be on the screens and in the "
            "text."
        )
    sentences = [
        _step(step) + (" That was before it was merged with others." if before else "") for step, before in steps
    ]
    if steps and all(before for _, before in steps) and not tables:
        sentences.insert(0, "**Not scanned as a whole**; what it was merged from was, in part or in whole.")
    if tables:
        sentences.append(
            f"What the scan found is in the config `scan`, one row a clip (stage version {some(tables, 3)})."
        )
    sentences.append("A scan finds what has a known form; it is no proof that nothing is left.")
    return " ".join(sentences)


def _step(step: LineageStep) -> str:
    masked = "--mask" in step.command
    how = plain(", ".join(f"{key}={value}" for key, value in step.parameters.items())) or "its defaults"
    did = "Scanned for secrets and personal data, and what was found masked" if masked else (
        "Scanned for secrets and personal data, nothing masked by that step"
    )  # fmt: skip
    return f"**{did}**, {plain(step.when_utc)}, by GoalTrace {plain(step.version)} with {how}."


def citation(manifest: DatasetManifest, repo_id: str, address: str) -> str:
    """A BibTeX entry. The author is the owner of the repository: nobody else is known."""
    owner, _, name = repo_id.partition("/")
    last = manifest.lineage[-1] if manifest.lineage else LineageStep(command="")
    year = re.match(r"\d{4}", last.when_utc)
    fields = {
        "author": f"{{{owner}}}",
        "title": _for_bibtex(manifest.name) or name,
        "year": year[0] if year else "",
        "publisher": "Hugging Face",
        "url": address,
        "note": f"{manifest.counts.hours:.3f} hours; made with GoalTrace {_for_bibtex(last.version)}",
    }
    lines = "".join(f"  {key:<9} = {{{value}}},\n" for key, value in fields.items() if value)
    key = re.sub(r"[^a-z0-9]+", "-", f"{owner}-{name}".lower()).strip("-")
    return (
        "Cite the data set with its address, and name the revision (the commit on the Hub) that you used: a data set "
        f"changes.\n\n```bibtex\n@misc{{{key},\n{lines}}}\n```\n"
    )


def _for_bibtex(text: str) -> str:
    """Letters, digits and plain signs; those that TeX reads as commands are escaped."""
    return re.sub(r"([%#$&_])", r"\\\1", re.sub(r"[^\w %#$&.,:;()+-]", "", " ".join(text.split())))
