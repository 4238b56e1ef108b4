"""Opens a data set: a folder, the Hugging Face Hub (hf://datasets/OWNER/NAME@REVISION) or an object store.

What is far away is read shard by shard, when a clip in it is needed, through a cache on this machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from manifests.clip_io import ClipReader
from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, ignore
from manifests.shard_integrity import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(.+)")
_HUB = re.compile(r"datasets/([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?/?")


def open_dataset(where: str | Path, on_progress: OnProgress = ignore) -> ClipReader:
    """A reader of a data set, wherever it is.

    Args:
        where: a folder, hf://datasets/OWNER/NAME[@REVISION], or the URL of a folder that fsspec knows: s3://,
            gs://, memory://, file://, ...
        on_progress: hears of what is fetched from an object store, in bytes.

    Raises:
        GoaltraceError: nothing there, no access, no connection, or a Python package that is missing.
    """
    url = _URL.fullmatch(str(where))
    if url is None:
        return ClipReader(Path(where))
    scheme, rest = url.groups()
    return _open_hub(f"hf://{rest}", rest) if scheme == "hf" else _open_store(f"{scheme}://{rest}", on_progress)


def is_remote(where: str | Path) -> bool:
    """Is it anything but a folder on this machine?"""
    return _URL.fullmatch(str(where)) is not None


def _open_hub(name: str, rest: str) -> ClipReader:
    match = _HUB.fullmatch(rest)
    if match is None:
        raise GoaltraceError(f"{name}: write it as hf://datasets/OWNER/NAME or hf://datasets/OWNER/NAME@REVISION")
    repo, revision = match.groups()
    fetch = _hub_fetcher(name, repo, revision)
    manifest = fetch("dataset.json")  # in the folder of one commit, whatever happens to the branch meanwhile
    return ClipReader(manifest.parent, _hub_fetcher(name, repo, manifest.parent.name))


def _hub_fetcher(name: str, repo: str, revision: str | None) -> Callable[[str], Path]:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    def fetch(path: str) -> Path:
        try:
            return Path(hf_hub_download(repo, path, repo_type="dataset", revision=revision))
        except LocalEntryNotFoundError:  # also an EntryNotFoundError, so it comes first
            raise GoaltraceError(
                f"{name}: the Hub cannot be reached and {path} is not in the cache; go online"
            ) from None
        except GatedRepoError:
            raise GoaltraceError(f"{name}: you have not been given access; ask for it on the data set's page") from None
        except RepositoryNotFoundError:
            raise GoaltraceError(
                f"{name}: no such data set on the Hub, or it is private; check the name, or log in with: hf auth login"
            ) from None
        except RevisionNotFoundError:
            raise GoaltraceError(f"{name}: no revision {revision!r}; leave out @{revision}") from None
        except EntryNotFoundError:
            raise GoaltraceError(
                f"{name}: has no {path}; give a data set that goaltrace publish made (or publish it again)"
            ) from None
        except (HfHubHTTPError, OSError) as error:
            raise GoaltraceError(f"{name}: {path} cannot be fetched ({_reason(error)}); try again") from None

    return fetch


def _open_store(url: str, on_progress: OnProgress) -> ClipReader:
    from trainer.data.remote import StoreCache

    cache = StoreCache(url, cache_folder(), cache_limit(), on_progress)
    cache.fetch("dataset.json", fresh=True)
    reader = ClipReader(cache.folder, cache.fetch)
    cache.expect(reader.manifest)
    return reader


def cache_limit() -> int:
    """Bytes of shards kept of each object store's data set: $GOALTRACE_CACHE_GB, else 200 GB."""
    text = os.environ.get("GOALTRACE_CACHE_GB", "200")
    try:
        return int(float(text) * 10**9)
    except (ValueError, OverflowError):
        raise GoaltraceError(f"GOALTRACE_CACHE_GB={text}: not a number of gigabytes; set e.g. 200") from None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
