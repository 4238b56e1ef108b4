"""Replacing the data set on the Hub in one visible step: first the bytes are uploaded, then one commit names them.

The bytes go to the Hub's storage, where no reader sees them and where a second run finds them by their hashes. Then one
commit adds all of them and removes what is gone. With more than `ONE_COMMIT` changes a single commit may time out: then
several commits are made in a pull request, which is verified and merged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HfHubHTTPError,
    HTTPError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from manifests.errors import GoaltraceError

MESSAGE = "Publish with goaltrace"
ONE_COMMIT = 250
"""As many changes as huggingface_hub 2.4 itself puts into a commit before it knows how fast the Hub is. The Hub gives
up an answer after 60 s, and may make the commit all the same (hub-docs: storage-limits, "Number of operations per
commit")."""
DATASET = "dataset"

Operation = CommitOperationAdd | CommitOperationDelete


@dataclass(frozen=True)
class RemoteFile:
    """A file as it shall be in the repository."""

    source: Path | bytes
    sha256: str

    @classmethod
    def of_bytes(cls, data: bytes) -> RemoteFile:
        return cls(data, hashlib.sha256(data).hexdigest())

    def is_there(self, entry: RepoFile) -> bool:
        """Small files are known by git's hash, large ones by their SHA-256."""
        if entry.lfs is not None:
            return bool(entry.lfs.sha256 == self.sha256)
        data = self.source if isinstance(self.source, bytes) else None
        return data is not None and entry.blob_id == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_ours(name: str) -> bool:
    """Whether this is a file that GoalTrace publishes, and so removes when the data set no longer has it."""
    folder, _, rest = name.partition("/")
    return (folder in ("clips", "events", "scores") and rest.endswith(".parquet")) or name == "preview.png"


def switch(api: HfApi, repo_id: str, wanted: Mapping[str, RemoteFile]) -> bool:
    """Make `main` hold these files, and of ours no others, in one step. False where it does already.

    What is not ours stays. Raises `GoaltraceError` where somebody else changes the repository meanwhile; what
    huggingface_hub raises passes through. Called again, it sends only what has not arrived.
    """
    head = api.dataset_info(repo_id).sha
    operations = _left(_listing(api, repo_id, head), wanted)
    if not operations:
        return False
    if len(operations) > ONE_COMMIT:
        _switch_by_pull_request(api, repo_id, head, wanted)
        return True
    _send(api, repo_id, operations, "main")
    try:
        api.create_commit(
            repo_id, operations, commit_message=MESSAGE, repo_type=DATASET, parent_commit=head or None
        )  # fmt: skip
    except (HTTPError, OSError) as error:
        if not (_may_be_done(error) and _is_done(api, repo_id, wanted)):
            raise
    return True


def _switch_by_pull_request(api: HfApi, repo_id: str, head: str | None, wanted: Mapping[str, RemoteFile]) -> None:
    """Commit beside `main` in several steps, look whether all is there, and merge. A second call goes on."""
    digest = hashlib.sha256("".join(f"{path} {wanted[path].sha256}\n" for path in sorted(wanted)).encode()).hexdigest()
    title = f"{MESSAGE}: {digest[:12]} onto {(head or 'nothing')[:12]}"
    main = _listing(api, repo_id, head)
    number = _own_pull(api, repo_id, title)
    beside = _listing(api, repo_id, f"refs/pr/{number}") if number else main
    for batch in _batches(_left(beside, wanted)):
        revision = f"refs/pr/{number}" if number else None
        _send(api, repo_id, batch, revision)
        made = api.create_commit(
            repo_id, batch, commit_message=title, repo_type=DATASET, revision=revision,
            create_pr=number is None, parent_commit=None if number else head,
        )  # fmt: skip
        number = number or made.pr_num
    if number is None:
        raise RuntimeError("the Hub opened no pull request")
    beside = _listing(api, repo_id, f"refs/pr/{number}")
    others = [{p: e.blob_id for p, e in tree.items() if p not in wanted and not is_ours(p)} for tree in (main, beside)]
    if _left(beside, wanted) or others[0] != others[1]:
        raise GoaltraceError(f"{repo_id}: pull request {number} is not what was sent; close it, and run this again")
    if api.dataset_info(repo_id).sha != head:
        raise GoaltraceError(moved(repo_id))
    try:
        api.merge_pull_request(repo_id, number, repo_type=DATASET)
    except (HTTPError, OSError) as error:
        if not (_may_be_done(error) and _is_done(api, repo_id, wanted)):
            raise


def moved(repo_id: str) -> str:
    """The message where somebody else changed the repository meanwhile."""
    return (
        f"{repo_id}: somebody else changed it meanwhile; nothing was changed by this run: look at it, and run the same "
        "command again to replace what is there"
    )


def _listing(api: HfApi, repo_id: str, revision: str | None) -> dict[str, RepoFile]:
    """Every file of a revision; none where the repository has no commit yet."""
    try:
        entries = list(api.list_repo_tree(repo_id, repo_type=DATASET, revision=revision, recursive=True))
    except RevisionNotFoundError:
        if revision:
            raise
        return {}
    return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}


def _left(there: Mapping[str, RepoFile], wanted: Mapping[str, RemoteFile]) -> list[Operation]:
    """The changes that are still missing in a revision."""
    adds = [path for path, file in wanted.items() if path not in there or not file.is_there(there[path])]
    gone = [path for path in there if is_ours(path) and path not in wanted]
    deletions = [CommitOperationDelete(path, is_folder=False) for path in gone]
    return [*(CommitOperationAdd(path, wanted[path].source) for path in adds), *deletions]


def _send(api: HfApi, repo_id: str, operations: Sequence[Operation], revision: str | None) -> None:
    """Upload the bytes to the Hub's storage, where nobody can see them yet."""
    additions = [operation for operation in operations if isinstance(operation, CommitOperationAdd)]
    api.preupload_lfs_files(
        repo_id, additions, repo_type=DATASET, revision=revision, create_pr=revision is None, free_memory=False
    )
    for addition in additions:
        if getattr(addition, "_should_ignore", False):  # else it would be left out of the commit without a word
            raise GoaltraceError(
                f"{repo_id}: its .gitignore leaves out {addition.path_in_repo}; remove that line on the Hub"
            )


def _own_pull(api: HfApi, repo_id: str, title: str) -> int | None:
    """The number of the pull request that a run before this one opened for the same data set and did not merge."""
    me = api.whoami()["name"]
    for pull in api.get_repo_discussions(repo_id, repo_type=DATASET, discussion_type="pull_request"):
        if (pull.title, pull.author) == (title, me) and pull.status in ("open", "draft"):
            return int(pull.num)
    return None


def _batches(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    for first in range(0, len(operations), ONE_COMMIT):
        yield operations[first : first + ONE_COMMIT]


def _may_be_done(error: Exception) -> bool:
    """Whether the request had no answer, or a proxy's, so that the commit may have been made all the same."""
    if isinstance(error, HfHubHTTPError):
        return error.response is not None and error.response.status_code >= 500
    return True


def _is_done(api: HfApi, repo_id: str, wanted: Mapping[str, RemoteFile]) -> bool:
    with suppress(HTTPError, OSError):
        return not _left(_listing(api, repo_id, None), wanted)
    return False
