"""Caches the shards of a data set in an object store on this machine: bounded, and resumed after a stop."""

from __future__ import annotations

import hashlib
from pathlib import Path

from manifests.dataset import DatasetManifest, Shard
from manifests.errors import GoaltraceError
from manifests.files import raise_if_full, sha256_of
from manifests.progress import OnProgress, ignore
from trainer.progress import ProgressCounter

BLOCK = 8 * 2**20


class StoreCache:
    """Files of one URL; `folder` mirrors it as far as it was asked for."""

    def __init__(self, url: str, root: Path, limit: int, on_progress: OnProgress = ignore) -> None:
        """Raises `GoaltraceError` when fsspec has no way to read such a URL."""
        import fsspec

        self._url, self._limit, self._on_progress = url.rstrip("/"), limit, on_progress
        self.folder = root / hashlib.sha256(self._url.encode()).hexdigest()[:16]
        self._shards: dict[str, Shard] = {}
        try:
            self._system, self._path = fsspec.core.url_to_fs(self._url)
        except ImportError as error:
            raise GoaltraceError(f"{url}: needs one more Python package ({_reason(error)})") from None
        except ValueError as error:
            raise GoaltraceError(
                f"{url}: cannot be read ({_reason(error)}); use hf://, s3://, gs:// or a folder"
            ) from None
        except OSError as error:
            raise GoaltraceError(f"{url}: cannot be reached ({_reason(error)}); check the address") from None

    def expect(self, manifest: DatasetManifest) -> None:
        """What the data set's own manifest says of its files: fetched ones are checked against it."""
        self._shards = {shard.path: shard for shard in [*manifest.shards, *(table.shard for table in manifest.scores)]}

    def fetch(self, path: str, fresh: bool = False) -> Path:
        """The file on this machine; fetched, or the rest of it, where it is not there whole.

        Raises `GoaltraceError` when it is not in the store, cannot be read, or is not what the manifest says.
        """
        target, shard = self.folder / path, self._shards.get(path)
        if target.is_file() and not fresh and (shard is None or target.stat().st_size == shard.bytes):
            target.touch()  # used last: goes last
            return target
        part = target.with_name(f"{target.name}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            if shard is None or (part.is_file() and part.stat().st_size > shard.bytes):
                part.unlink(missing_ok=True)
            self._make_room(shard.bytes if shard else 0)
            self._copy(path, part)
            if shard is not None and sha256_of(part) != shard.sha256:
                part.unlink()
                raise GoaltraceError(f"{self._url}/{path}: not what its dataset.json says; upload the data set again")
            part.replace(target)
        except FileNotFoundError:
            raise GoaltraceError(
                f"{self._url}: has no {path}; check the address, or upload the data set again"
            ) from None
        except ImportError as error:
            raise GoaltraceError(f"{self._url}: needs one more Python package ({_reason(error)})") from None
        except GoaltraceError:
            raise
        except Exception as error:  # each store has errors of its own
            if isinstance(error, OSError):
                raise_if_full(error, part)
            raise GoaltraceError(f"{self._url}/{path}: cannot be fetched ({_reason(error)}); try again") from None
        return target

    def _copy(self, path: str, part: Path) -> None:
        name = f"{self._path}/{path}"
        size = int(self._system.size(name) or 0)
        done = part.stat().st_size if part.is_file() else 0
        on_bytes = ProgressCounter(self._on_progress, path, "B", size, done)
        with self._system.open(name, "rb") as source, part.open("ab") as out:
            source.seek(done)
            while block := source.read(BLOCK):
                out.write(block)
                on_bytes(len(block))

    def _make_room(self, needed: int) -> None:
        """Remove the shards used longest ago until `needed` more bytes fit."""
        kept = sorted(self.folder.rglob("*.parquet"), key=lambda file: file.stat().st_mtime)
        total = sum(file.stat().st_size for file in kept)
        for file in kept:
            if total + needed <= self._limit:
                return
            total -= file.stat().st_size
            file.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
