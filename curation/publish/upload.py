"""Sending a data set to the Hub: the files that dataset.json names, once each, and nothing else."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError  # type: ignore[attr-defined]
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from curation.publish.card import make_card
from curation.publish.private import require_nothing_of_here
from manifests.dataset import MADE_BY, DatasetFolder, DatasetManifest, Shard
from manifests.errors import GoaltraceError
from manifests.files import sha256_of, write_text

OURS = ("clips/*.parquet", "events/*.parquet", "scores/*.parquet")
CARD = "README.md"


@dataclass(frozen=True)
class Plan:
    """What would be sent."""

    repo_id: str
    files: dict[str, int]
    """Path in the repository -> bytes."""
    card: str
    own_card: bool
    """The folder has a README.md that a person wrote: it is sent as it is."""


def make_plan(dataset: Path, repo_id: str, license_id: str | None) -> Plan:
    """Look at everything that can be looked at without a network.

    Raises `GoaltraceError` for a bad repository name, or a file that is not the one dataset.json names.
    """
    require_name(repo_id)
    folder = DatasetFolder(dataset)
    manifest = folder.read_manifest()
    require_nothing_of_here(folder.manifest_path, manifest)
    for shard in named_files(manifest):
        _require_same(dataset, shard)
    readme = dataset / CARD
    own = readme.is_file() and MADE_BY not in readme.read_text(encoding="utf-8", errors="replace")
    card = readme.read_text(encoding="utf-8") if own else make_card(dataset, repo_id, license_id)
    files = {CARD: len(card.encode()), folder.manifest_path.name: folder.manifest_path.stat().st_size}
    files |= {shard.path: shard.bytes for shard in named_files(manifest)}
    return Plan(repo_id, files, card, own)


def named_files(manifest: DatasetManifest) -> list[Shard]:
    """Every Parquet file that dataset.json names."""
    return [*manifest.shards, *(score.shard for score in manifest.scores)]


def require_name(repo_id: str) -> None:
    """Raise `GoaltraceError` unless `repo_id` is OWNER/NAME as the Hub allows it."""
    try:
        validate_repo_id(repo_id)
        if repo_id.count("/") != 1:
            raise HFValidationError("it has no owner")
    except HFValidationError:
        raise GoaltraceError(
            f"{repo_id!r}: not a repository name; give OWNER/NAME of letters, digits, '-', '_' and '.', "
            "such as my-team/desktop-clips"
        ) from None


def _require_same(dataset: Path, shard: Shard) -> None:
    path = dataset / shard.path
    if path.is_symlink() or not path.is_file():
        raise GoaltraceError(f"{path}: missing or not a plain file, but dataset.json names it; restore it")
    if path.stat().st_size != shard.bytes or sha256_of(path) != shard.sha256:
        raise GoaltraceError(f"{path}: not the file that dataset.json names (SHA-256 differs); restore it")


def upload(dataset: Path, plan: Plan, private: bool) -> str:
    """Create the repository where it does not exist, and send what it does not have yet.

    Returns the address of the data set. Every way that this can fail is one `GoaltraceError`; a second call
    goes on, because the Hub knows by hash what it has.
    """
    token = get_token()
    if token is None:
        raise GoaltraceError("no Hub token; set HF_TOKEN or run: hf auth login (a token with write access)")
    api = HfApi(token=token)
    try:
        url = api.create_repo(plan.repo_id, repo_type="dataset", private=private, exist_ok=True)
        _require_fitting(api, plan.repo_id, private)
        if not plan.own_card:
            write_text(dataset / CARD, plan.card)
        api.upload_folder(
            repo_id=plan.repo_id,
            repo_type="dataset",
            folder_path=dataset,
            allow_patterns=[glob.escape(path) for path in plan.files],
            delete_patterns=list(OURS),  # shards of an earlier upload that this data set no longer has
            commit_message="Publish with goaltrace",
        )
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise GoaltraceError(_explain(error, plan.repo_id)) from None
    return str(url)


def _require_fitting(api: HfApi, repo_id: str, private: bool) -> None:
    """An existing repository must be as private as asked for, and not something else than a data set of ours."""
    info = api.dataset_info(repo_id)
    if private and not info.private:
        raise GoaltraceError(
            f"{repo_id}: exists and is public, so --private would not hold; make it private on the Hub "
            "or choose another name"
        )
    names = [sibling.rfilename for sibling in info.siblings or []]
    foreign = [name for name in names if name not in (CARD, ".gitattributes", "dataset.json") and not _is_ours(name)]
    if foreign and "dataset.json" not in names:
        raise GoaltraceError(
            f"{repo_id}: holds something else already ({foreign[0]}); choose another name or empty it on the Hub"
        )


def _is_ours(name: str) -> bool:
    return name.endswith(".parquet") and name.split("/", maxsplit=1)[0] in ("clips", "events", "scores")


def _explain(error: BaseException, repo_id: str) -> str:
    """One line for a failed request: what the Hub said, and what to do."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    answered = next((e for e in chain if isinstance(e, HfHubHTTPError)), None)
    if answered is not None and answered.response is not None:
        status = answered.response.status_code
        said = " ".join((answered.server_message or "").split())[:200]
        if status == 401:
            return f"{repo_id}: the Hub refused the token (401); set HF_TOKEN to a valid one or run: hf auth login"
        if status == 403:
            return f"{repo_id}: the token may not write there (403); check owner and rights. The Hub says: {said}"
        if status == 404:
            return f"{repo_id}: the Hub does not find it (404); check the owner's name and the token's rights"
        return f"{repo_id}: the Hub answered {status}{': ' + said if said else ''}; run the same command again later"
    if any(isinstance(e, HTTPError | ConnectionError | TimeoutError) for e in chain):
        return (
            f"{repo_id}: the connection to {constants.ENDPOINT} failed ({_first_line(chain[-1])}); "
            "run the same command again, what has arrived is not sent twice"
        )
    return f"{repo_id}: {_first_line(error)}; run the same command again"


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
