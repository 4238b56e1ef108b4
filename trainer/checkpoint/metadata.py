"""Reads the index of a distributed checkpoint safely: it is a pickle, which PyTorch would load without restriction."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata

from manifests.errors import GoaltraceError
from manifests.files import read_bytes

MAX_INDEX_BYTES = 256 * 2**20
_PLAIN = {  # plain records, and what they are made of
    "torch.distributed.checkpoint.metadata": {
        "Metadata", "MetadataIndex", "TensorStorageMetadata", "TensorProperties", "ChunkStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch.serialization": {"_get_layout"},
}  # fmt: skip


class _Records(pickle.Unpickler):
    """Makes the records above, sizes and dtypes; nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _PLAIN.get(module, ()):
            return super().find_class(module, name)
        if module == "torch" and (name == "Size" or isinstance(getattr(torch, name, None), torch.dtype)):
            return getattr(torch, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def read_metadata(folder: Path) -> Metadata:
    """The index of a checkpoint whose files are all there in full length.

    Raises:
        GoaltraceError: the index or a file is missing, cut short or foreign, or the index holds anything but tensors.
    """
    path = folder / ".metadata"
    if not path.is_file():
        raise GoaltraceError(f"{folder}: cut short (no .metadata)")
    data = read_bytes(path, MAX_INDEX_BYTES)
    try:
        metadata = _Records(io.BytesIO(data)).load()
    except pickle.UnpicklingError as error:
        if "." in str(error) and " " not in str(error):
            raise GoaltraceError(f"{path}: not plain tensors (it names {error}), so it is not read") from None
        raise GoaltraceError(f"{path}: damaged or cut short") from None
    except Exception:  # a pickle can fail in any way
        raise GoaltraceError(f"{path}: damaged or cut short") from None
    try:
        _check_files(folder, metadata)
    except (AttributeError, TypeError):
        raise GoaltraceError(f"{path}: not the index of a checkpoint") from None
    return metadata  # type: ignore[no-any-return]


def _check_files(folder: Path, metadata: Metadata) -> None:
    for name, entry in metadata.state_dict_metadata.items():
        if not isinstance(name, str) or not isinstance(entry, TensorStorageMetadata):
            raise GoaltraceError(f"{folder / '.metadata'}: {name}: not a tensor, so it is not read")
    ends: dict[str, int] = {}
    for place in metadata.storage_data.values():
        name = place.relative_path
        if Path(name).name != name or getattr(place, "transform_descriptors", None):
            raise GoaltraceError(f"{folder / '.metadata'}: names a file that is not the checkpoint's: {name!r}")
        ends[name] = max(ends.get(name, 0), place.offset + place.length)
    for name, end in ends.items():
        file = folder / name
        if not file.is_file():
            raise GoaltraceError(f"{file}: missing")
        if file.stat().st_size < end:
            raise GoaltraceError(f"{file}: cut short ({file.stat().st_size:,} of {end:,} bytes)")


class SafeReader(FileSystemReader):
    """PyTorch's reader of checkpoint folders, with our reading of the index; tensors it loads weights_only itself."""

    def __init__(self, folder: Path, metadata: Metadata) -> None:
        super().__init__(folder)
        self._metadata = metadata

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        if self._metadata.storage_meta is None:
            self._metadata.storage_meta = StorageMeta()
        return self._metadata


class PlainWriter(FileSystemWriter):
    """PyTorch's writer of checkpoint folders, without the folder's path in the index."""

    def storage_meta(self) -> StorageMeta | None:
        return None
