"""Validating a stage, which may be a user's own: each mistake is one line, raised before hours of work if possible."""

from __future__ import annotations

import inspect
import pickle
import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa

from manifests.clip import CLIPS_SCHEMA
from manifests.dataset import DatasetManifest
from manifests.errors import GoaltraceError

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_IMPORTED_BY_A_WORKER = "__mp_main__"
"""The `__name__` that multiprocessing gives the main script while a spawned worker imports it."""


def end_in_a_worker() -> None:
    """End a spawned worker whose script calls `run_stage` on import, without `if __name__ == "__main__":`."""
    frames = inspect.stack(0)
    if any(f.function == "<module>" and f.frame.f_globals.get("__name__") == _IMPORTED_BY_A_WORKER for f in frames):
        sys.exit(1)  # the parent process prints what to do


def is_of_a_script(measure: Callable[..., Any]) -> bool:
    """Whether a stage's function was defined in the script that is run."""
    return getattr(_function(measure), "__module__", "") == "__main__"


def require_runnable(
    name: str, command: str, schema: pa.Schema, measure: Callable[..., Any], manifest: DatasetManifest
) -> None:
    """Raise `GoaltraceError` for a name, columns or a function that a stage over this data set cannot have."""
    if not _NAME.fullmatch(name):
        raise GoaltraceError(f"stage {name!r}: a name is a letter and up to 63 of a-z, 0-9, '_' and '-' behind it")
    if not command.strip():
        raise GoaltraceError(f"stage {name!r}: its command is empty; name what runs it, for the lineage")
    if schema.names.count("clip_id") != 1 or schema.field("clip_id").type != pa.string():
        raise GoaltraceError(f"stage {name!r}: its schema has no column clip_id of type string; add it")
    others = dict.fromkeys(map(str.lower, CLIPS_SCHEMA.names), "clips have")
    others |= {
        column.lower(): f"the stage {table.name!r} has"
        for table in manifest.scores
        if table.name != name
        for column in table.columns
    }
    for column in schema.names:
        if column != "clip_id" and column.lower() in others:
            raise GoaltraceError(
                f"stage {name!r}: {others[column.lower()]} a column {column!r} already; give it another name"
            )
    _require_sendable(name, measure)


def require_fitting(name: str, schema: pa.Schema, table: pa.Table, rows: int) -> None:
    """Raise `GoaltraceError` unless a stage's table has the schema that it declared, and a row for each clip."""
    if not table.schema.equals(schema):
        raise GoaltraceError(f"stage {name!r}: its table has other columns than its schema; make it with that schema")
    if len(table) != rows:
        raise GoaltraceError(f"stage {name!r}: its table has {len(table)} rows for {rows} clips; make one row a clip")


def _require_sendable(name: str, measure: Callable[..., Any]) -> None:
    try:
        pickle.dumps(measure)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise GoaltraceError(
            f"stage {name!r}: what it measures with cannot be sent to other processes ({error}); make it a function "
            "at the top of a module or a script, or a functools.partial of one"
        ) from None
    if is_of_a_script(measure) and not hasattr(sys.modules["__main__"], "__file__"):
        raise GoaltraceError(
            f"stage {name!r}: other processes cannot see a function of a notebook or of an interactive session; "
            "put it into a .py file and import it from there"
        )


def _function(measure: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(measure, partial):
        measure = measure.func
    return measure
