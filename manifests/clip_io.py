"""Writing clips into Parquet shards, and reading them back without trusting the files.

Video bytes are stored plain (they are compressed already), everything else zstd; row groups are small so
that one clip can be read alone; page checksums are written, and verified on every read. A row group with video ends
where its session ends, so its bytes are the same wherever the session stands: a storage that deduplicates finds them
again in a larger data set (`benchmarks/publish.py`; PyArrow's content-defined chunking does worse there).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from manifests.clip import CLIPS_SCHEMA, EVENTS_SCHEMA, ClipRow
from manifests.dataset import DatasetFolder, Shard
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full, sha256_of
from manifests.ids import is_id
from manifests.older import read_rows
from manifests.shard_integrity import require_shard, require_size
from manifests.validate import invalid_reasons, require_types
from manifests.versions import require_readable

ROWS_PER_GROUP = 4
EVENTS_PER_GROUP = 64
GROUP_BYTES = 32 * 2**20
"""Uncompressed bytes of a row group, where it has more than one row. The Hub's viewer reads at most 300,000,000 bytes
of a row group (dataset-viewer: chart/values.yaml, maxArrowDataInMemory), and who reads one clip reads its group."""
SHARD_BYTES = 500 * 10**6
OPEN_SHARDS = 64
MAX_VALUES = 2**24
"""Values of a column in one row group. Equal values in a row take almost no space in a file, but do in memory."""
MAX_GROUP_BYTES = 2**31


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a shard, with page checksums verified on every read.

    Raises `GoaltraceError` where the file is missing, truncated or not Parquet.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise GoaltraceError(f"{path}: no such shard; the data set is incomplete, make it again") from None
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a name that is no UTF-8
        raise _damaged(path, error) from None
    metadata = file.schema_arrow.metadata or {}
    version = metadata.get(b"goaltrace_schema_version")
    if version is not None:
        require_readable(version.decode(errors="replace"), str(path))
    _require_bounded(path, file.metadata)
    return file


def _require_bounded(path: Path, metadata: pq.FileMetaData) -> None:
    """Raise `GoaltraceError` for a row group that would take far more memory than the bytes of its file."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        if any(column.num_values > MAX_VALUES for column in columns) or group.total_byte_size > MAX_GROUP_BYTES:
            raise GoaltraceError(f"{path}: row group {number} is too large to be one of ours; make the data set again")


def _damaged(path: Path, error: Exception) -> GoaltraceError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return GoaltraceError(f"{path}: damaged or truncated Parquet ({reason}); copy it again or remake the data set")


class BadClip(GoaltraceError):
    """One clip is invalid; the other clips of its shard can still be used."""


class _ShardWriter:
    """One config (`clips` or `events`): rolls over to the next shard at a size."""

    def __init__(
        self, root: Path, config: str, schema: pa.Schema, shard_bytes: int, most_rows: int, by_session: bool
    ) -> None:
        self._root, self._config, self._schema, self._limit = root, config, schema, shard_bytes
        self._most_rows, self._by_session = most_rows, by_session
        self._rows: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self._path = Path()
        self._count = 0
        self._bytes = 0
        self._group_bytes = 0
        self._compression, self._dictionaries = _compression(schema), _dictionary_columns(schema)
        self.shards: list[Shard] = []

    def write(self, row: pa.Table, size: int) -> None:
        if self._count and self._bytes + size > self._limit:
            self.close()
        if self._group_bytes + row.nbytes > GROUP_BYTES or self._is_of_another_session(row):
            self._flush()
        self._rows.append(row)
        self._group_bytes += row.nbytes
        self._count += 1
        self._bytes += size
        if len(self._rows) == self._most_rows:
            self._flush()

    def _is_of_another_session(self, row: pa.Table) -> bool:
        ids = [table.column("session_id")[0] for table in (*self._rows[-1:], row)]
        return self._by_session and ids[0] != ids[-1]

    def _flush(self) -> None:
        if not self._rows:
            return
        table = pa.concat_tables(self._rows).combine_chunks()
        if self._writer is None:
            self._path = self._root / self._config / f"{self._config}-{len(self.shards):05d}.parquet"
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                self._path,
                self._schema,
                compression=self._compression,
                use_dictionary=self._dictionaries,
                write_page_index=True,
                write_page_checksum=True,
            )
        self._writer.write_table(table, row_group_size=self._most_rows)
        self._rows, self._group_bytes = [], 0

    def close(self) -> None:
        self._flush()
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        self.shards.append(
            Shard(
                path=str(self._path.relative_to(self._root)),
                rows=self._count,
                bytes=self._path.stat().st_size,
                sha256=sha256_of(self._path),
            )
        )
        self._count = self._bytes = 0

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The Parquet columns that an Arrow column becomes, by their paths."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path, kind


def _compression(schema: pa.Schema) -> dict[str, str]:
    leaves = [path for field in schema for path, _ in _leaves(field.name, field.type)]
    return {path: "none" if path.startswith("video.") else "zstd" for path in leaves}


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    """Columns that are worth a dictionary: texts repeat from row to row; times, positions and video do not."""
    leaves = [leaf for field in schema if field.name != "video" for leaf in _leaves(field.name, field.type)]
    return [path for path, kind in leaves if pa.types.is_string(kind)]


def clip_table(row: ClipRow) -> pa.Table:
    """One clip as a table of one row, as it will be stored. Raises `KeyError` where a column is missing."""
    if absent := set(CLIPS_SCHEMA.names) - row.keys():
        raise KeyError(*sorted(absent))
    return pa.Table.from_pylist([row], schema=CLIPS_SCHEMA)


class ClipWriter:
    """Writes clips into `root/clips` and the same rows without video into `root/events`.

    Use as a context manager inside `manifests.files.new_folder`, so that a failure leaves nothing behind.
    `shards` lists what was written once the writer is closed.
    """

    def __init__(self, root: Path, shard_bytes: int = SHARD_BYTES) -> None:
        self._root = root
        self._clips = _ShardWriter(root, "clips", CLIPS_SCHEMA, shard_bytes, ROWS_PER_GROUP, by_session=True)
        self._events = _ShardWriter(root, "events", EVENTS_SCHEMA, shard_bytes, EVENTS_PER_GROUP, by_session=False)
        self.shards: list[Shard] = []

    def __enter__(self) -> ClipWriter:
        return self

    def write(self, row: ClipRow) -> None:
        """Add one clip."""
        self.write_table(clip_table(row))

    def write_table(self, clip: pa.Table) -> None:
        """Add one clip, given as the table that `clip_table` returns."""
        event = clip.drop_columns(["video"]).replace_schema_metadata(EVENTS_SCHEMA.metadata)
        try:
            sizes = [pc.sum(pc.list_value_length(clip.column(name))).as_py() for name in ("t0_ns", "actions")]
            self._clips.write(clip, len(clip.column("video")[0]["bytes"].as_buffer()))
            self._events.write(event, 16 * sizes[0] + 64 * sizes[1])
        except OSError as error:
            raise_if_full(error, self._root)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._clips.abandon()
            self._events.abandon()
            return
        try:
            self._clips.close()
            self._events.close()
        except OSError as failure:
            raise_if_full(failure, self._root)
            raise
        self.shards = [*self._clips.shards, *self._events.shards]


class ClipReader:
    """Reads a data-set folder: an index without video, and single clips by id.

    A remote data set is read through `fetch`, which takes a shard's path in the data set, downloads it and returns the
    local path. A shard with video is fetched only when a clip in it is read.

    Raises `GoaltraceError` naming the shard when one is missing, truncated or damaged.
    """

    def __init__(self, dataset: Path, fetch: Callable[[str], Path] | None = None) -> None:
        self.folder = DatasetFolder(dataset)
        self.manifest = self.folder.read_manifest()
        self.fetch = fetch or dataset.joinpath
        self._remote = fetch is not None
        self._files: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._groups: dict[str, list[int]] = {}  # shard -> the row behind each of its row groups
        self._rows: dict[str, tuple[str, int]] | None = None
        self.left_out: dict[str, str] = {}
        """Invalid clips that `index` left out: id (or shard and row, where the id itself is invalid) -> reason."""

    def __len__(self) -> int:
        return self.manifest.counts.clips

    def require_whole(self) -> None:
        """Raise `GoaltraceError` where a local shard is missing or differs in size from what dataset.json says.

        It is cheap, so that hours of work do not fail midway; a shard's SHA-256 is checked when it is first read.
        """
        for shard in () if self._remote else self.manifest.shards:
            require_size(self.folder.path / shard.path, shard)

    def require_same(self) -> None:
        """Raise `GoaltraceError` unless every shard is the one that dataset.json names, byte for byte."""
        for shard in self.manifest.shards:
            self._open(shard.path)

    def index(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The valid rows of the `events` config, in order, as one table; invalid clips are in `left_out` instead."""
        self.left_out, seen = {}, set[str]()
        tables = [self._valid_rows(path, columns, seen) for path in self.folder.shard_names(self.manifest, "events")]
        return pa.concat_tables(tables) if tables else EVENTS_SCHEMA.empty_table()

    def _valid_rows(self, shard: str, columns: Sequence[str] | None, seen: set[str]) -> pa.Table:
        """The valid rows of a shard."""
        table = self._read(shard, columns)
        bad = invalid_reasons(table)
        if "clip_id" in table.column_names:
            for row, clip_id in enumerate(table.column("clip_id").to_pylist()):
                if row not in bad and clip_id in seen:
                    bad[row] = "another clip has the same id"
                seen.add(clip_id)
                if row in bad:
                    self.left_out[clip_id if is_id(clip_id) else f"{shard}, row {row}"] = bad[row]
        return table.take(pa.array(sorted(set(range(len(table))) - set(bad)), pa.int64())) if bad else table

    def clip_ids(self) -> list[str]:
        """Every clip's id, in the order stored."""
        return list(self._locations())

    def read(self, clip_id: str, columns: Sequence[str] | None = None) -> ClipRow:
        """One clip, with only the columns asked for (None: all). Reads these columns of one row group."""
        shard, row = self._locate(clip_id)
        file = self._open(shard)
        if shard not in self._groups:
            sizes = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
            self._groups[shard] = list(accumulate(sizes))
        ends = self._groups[shard]
        group = min(bisect_right(ends, row), len(ends) - 1)
        row -= ends[group - 1] if group else 0
        names = columns if columns is None or "clip_id" in columns else ["clip_id", *columns]
        where = self.folder.path / shard
        try:
            table = read_rows(file, group, names).slice(row, 1)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(where, error) from None
        if names is not None and (gone := [name for name in names if name not in table.column_names]):
            raise GoaltraceError(f"{where}: no column {gone[0]}; make the data set again")
        if not len(table) or table.column("clip_id")[0].as_py() != clip_id:
            raise GoaltraceError(f"{where}: clip {clip_id!r} is not where events say it is; make the data set again")
        if bad := invalid_reasons(table):
            raise BadClip(f"{where}: clip {clip_id}: {bad[0]}; pack its session again")
        clip: ClipRow = (table if columns is None else table.select(columns)).to_pylist()[0]
        return clip

    def iter_clips(self, columns: Sequence[str] | None = None) -> Iterator[ClipRow]:
        """Every clip in order, one row group in memory at a time."""
        for shard in self.folder.shard_names(self.manifest, "clips"):
            file = self._open(shard)
            for group in range(file.num_row_groups):
                try:
                    table = read_rows(file, group, columns)
                except (pa.ArrowException, OSError, ValueError) as error:
                    raise _damaged(self.folder.path / shard, error) from None
                yield from table.to_pylist()

    def _locate(self, clip_id: str) -> tuple[str, int]:
        try:
            return self._locations()[clip_id]
        except KeyError:
            example = next(iter(self._locations()), "none")
            raise GoaltraceError(
                f"{self.folder.path}: no clip {clip_id!r}; ids look like {example!r} (events/*.parquet lists them)"
            ) from None

    def _locations(self) -> dict[str, tuple[str, int]]:
        """Clip id -> shard with its video, and row. Both configs have the clips in one order, so `events` is enough."""
        if self._rows is None:
            ids = [clip_id for shard in self._names("events") for clip_id in self.ids_of(shard)]
            shards = [shard for shard in self.manifest.shards if shard.path.startswith("clips/")]
            where = self.folder.manifest_path
            if len(ids) != sum(shard.rows for shard in shards):
                rows = sum(shard.rows for shard in shards)
                raise GoaltraceError(f"{where}: {rows} clips with video, {len(ids)} in events; make it again")
            if not self._remote and ids != [clip_id for shard in shards for clip_id in self.ids_of(shard.path)]:
                raise GoaltraceError(f"{where}: clips and events are not of the same clips; make it again")
            places = [(shard.path, row) for shard in shards for row in range(shard.rows)]
            self._rows = {}
            for clip_id, place in zip(ids, places, strict=True):
                self._rows.setdefault(clip_id, place)
        return self._rows

    def ids_of(self, shard: str) -> list[str]:
        """The ids of a shard's clips, in order. They are not validated: an untrusted shard may hold any text."""
        ids: list[str] = self._read(shard, ["clip_id"]).column("clip_id").to_pylist()
        return ids

    def _names(self, config: str) -> list[str]:
        return self.folder.shard_names(self.manifest, config)

    def _open(self, shard: str) -> pq.ParquetFile:
        if shard in self._files:
            self._files.move_to_end(shard)
        else:
            self._files[shard] = self._opened(shard)
            if len(self._files) > OPEN_SHARDS:
                self._files.popitem(last=False)
        return self._files[shard]

    def _opened(self, shard: str) -> pq.ParquetFile:
        """Open a shard whose content was verified against dataset.json; `fetch` has verified a remote one already."""
        path = self.fetch(shard)
        said = next(known for known in self.manifest.shards if known.path == shard)
        (require_size if self._remote else require_shard)(path, said)
        file = open_parquet(path)
        if file.metadata.num_rows != said.rows:
            raise GoaltraceError(f"{path}: {file.metadata.num_rows} rows, dataset.json says {said.rows}; copy it again")
        require_types(file.schema_arrow, path)
        return file

    def _read(self, shard: str, columns: Sequence[str] | None) -> pa.Table:
        try:
            table = read_rows(self._open(shard), columns=columns)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(self.folder.path / shard, error) from None
        if columns is not None and (gone := [name for name in columns if name not in table.column_names]):
            raise GoaltraceError(f"{self.folder.path / shard}: no column {gone[0]}; make the data set again")
        return table
