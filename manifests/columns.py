"""Deriving Arrow schemas and Hugging Face features from annotated `TypedDict` rows, so that columns stand only once.

A column of a row's `TypedDict` is `Annotated` with its Arrow type and, where there is more to say, a `Column` and an
`Older`. Everything that readers and writers need to know about the columns is derived from these annotations.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

import pyarrow as pa

from manifests.versions import SCHEMA_VERSION

Text = Annotated[str, pa.string()]
Flag = Annotated[bool, pa.bool_()]
Int32 = Annotated[int, pa.int32()]
Int64 = Annotated[int, pa.int64()]
Float32 = Annotated[float, pa.float32()]
Binary = Annotated[bytes, pa.binary()]
FINITE = (-(2 - 2**-23) * 2.0**127, (2 - 2**-23) * 2.0**127)
"""The bounds of a `Float32` that is a number."""


@dataclass(frozen=True)
class Column:
    """What a column means and which values it may have, besides its type."""

    meaning: str
    """In one line, for a reader who has only the files; columns that belong together share it."""
    is_id: bool = False
    per_frame: bool = False
    """A list with one value for each frame of the clip."""
    within: tuple[float, float] | None = None
    """A number's least and largest value."""
    nullable: bool = False
    """Whether the Arrow schema allows null."""


@dataclass(frozen=True)
class Older:
    """The value of a column, or of a field of an action, in data of an older schema version that lacks it."""

    since: str
    """The first version that has it, "major.minor"."""
    value: Callable[[Any], object]
    """Its value in a row, from the row's value of the column `of`; a field of an action is given None."""
    of: str = "t1_ns"


T = TypeVar("T")


def _hints(row: type) -> dict[str, Any]:
    return get_type_hints(row, include_extras=True)


def extras(row: type, kind: type[T]) -> dict[str, T]:
    """Column -> its annotation of the type `kind`, for the columns of a row that have one."""
    found = {name: getattr(hint, "__metadata__", ()) for name, hint in _hints(row).items()}
    return {name: extra for name, several in found.items() for extra in several if isinstance(extra, kind)}


def required(row: type) -> tuple[str, ...]:
    """The columns of a row that are never None."""
    return tuple(name for name, hint in _hints(row).items() if type(None) not in get_args(_plain(hint)))


def _plain(hint: Any) -> Any:
    """A type without its annotations."""
    return hint.__origin__ if get_origin(hint) is Annotated else hint


def arrow_type(hint: Any) -> pa.DataType:
    """The Arrow type of an annotated type: a list, a struct for a `TypedDict`, or the type that it is annotated with.

    Raises `TypeError` for a type that has none.
    """
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, pa.DataType):
            return extra
    plain = _plain(hint)
    if is_typeddict(plain):
        return pa.struct([(name, arrow_type(inner)) for name, inner in _hints(plain).items()])
    if get_origin(plain) is list:
        return pa.list_(arrow_type(get_args(plain)[0]))
    if get_origin(plain) in (Union, types.UnionType):
        (inner,) = (inner for inner in get_args(plain) if inner is not type(None))
        return arrow_type(inner)
    raise TypeError(f"{hint} is annotated with no Arrow type")


def schema_of(row: type, hub: Mapping[str, object]) -> pa.Schema:
    """The Arrow schema of a row, with the Hub's features and the schema version in its metadata.

    Args:
        row: a `TypedDict` whose columns are all annotated.
        hub: features of columns that the Hub does not see as their Arrow type.
    """
    columns = extras(row, Column)
    fields = [pa.field(name, arrow_type(hint), columns[name].nullable) for name, hint in _hints(row).items()]
    features = {field.name: hub.get(field.name) or _hub_feature(field.type) for field in fields}
    described = json.dumps({"info": {"features": features}})
    return pa.schema(fields, metadata={"huggingface": described, "goaltrace_schema_version": SCHEMA_VERSION})


def _hub_feature(kind: pa.DataType) -> object:
    """The Hugging Face `Features` spelling of an Arrow type."""
    if pa.types.is_list(kind):
        return {"feature": _hub_feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {inner.name: _hub_feature(inner.type) for inner in kind}
    names = {"double": "float64", "float": "float32"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}
