"""The JSON beside a log: what the random generator planned, or what the agent called. It becomes intents.jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector.importers.neuralcomputer.log import MAX_PX, MAX_S
from manifests.errors import GoaltraceError
from manifests.files import read_json
from manifests.session import Intent

Seconds = Annotated[float, Field(ge=0, le=MAX_S, allow_inf_nan=False)]
Px = Annotated[int, Field(ge=-MAX_PX, le=MAX_PX)]
Text = Annotated[str, Field(max_length=100_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class PlannedStep(_Part):
    """One planned action, or one record of a call's beginning or end."""

    action: Annotated[str, Field(min_length=1, max_length=60)]
    timestamp: Seconds
    coordinate: tuple[Px, Px] | None = None
    x: Px | None = None
    y: Px | None = None
    text: Text | None = None
    key: Text | None = None
    scroll_direction: Text | None = None
    scroll_amount: float | None = None
    duration: Seconds | None = None
    success: bool | None = None
    error: Text | None = None


class _Metadata(_Part):
    duration: Seconds | None = None
    start_time: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)] | None = None


class PlanDocument(_Part):
    metadata: _Metadata = _Metadata()
    actions: Annotated[list[PlannedStep], Field(max_length=1_000_000)]


@dataclass(frozen=True)
class PlannedRun:
    """What was meant, and what the session's own metadata says of it."""

    intents: list[Intent]
    duration_s: float | None
    """How long the session took by its own account."""
    start_unix_ns: int


def read_plan(path: Path) -> PlannedRun:
    """Read the JSON; `GoaltraceError` naming file and field when it is not one of theirs."""
    try:
        document = PlanDocument.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "document"
        raise GoaltraceError(f"{path}: {field}: {first['msg']}; is this a NeuralComputer file?") from None
    meta = document.metadata
    return PlannedRun(_intents(document.actions), meta.duration, round((meta.start_time or 0) * 1e9))


def _intents(steps: Sequence[PlannedStep]) -> list[Intent]:
    """A call that is followed by its own `_success` or `_error` lasts until then; anything else is one moment."""
    intents: list[Intent] = []
    for step in steps:
        t_ns = round(step.timestamp * 1e9)
        last = intents[-1].verb if intents else ""
        if last and step.action in (f"{last}_success", f"{last}_error", f"{last}_failed"):
            ok = step.action == f"{last}_success" and step.success is not False and intents[-1].ok
            update = {"t_end_ns": t_ns, "ok": ok, "note": step.error or intents[-1].note}
            intents[-1] = intents[-1].model_copy(update=update)
            continue
        intents.append(
            Intent(
                seq=len(intents), t_ns=t_ns, t_end_ns=t_ns, verb=step.action, target=_target(step),
                ok=step.success is not False, note=step.error,
            )
        )  # fmt: skip
    return intents


def _target(step: PlannedStep) -> dict[str, Any] | None:
    x, y = step.coordinate or (step.x, step.y)
    fields = {
        "x": x, "y": y, "text": step.text, "key": step.key, "direction": step.scroll_direction,
        "amount": step.scroll_amount, "seconds": step.duration,
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value is not None} or None
