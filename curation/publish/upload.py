"""Sending a data set to the Hub: the files that dataset.json names, once each, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from curation.publish.card import make_card
from curation.publish.explain import explain
from curation.publish.gate import require_clean_words, require_scanned
from curation.publish.licence import of_card, require_known
from curation.publish.machine_names import require_no_machine_names
from curation.publish.preview import PREVIEW, make_preview
from curation.publish.switch import RemoteFile, is_ours, switch
from curation.tables import rows_with_scores
from manifests.clip_io import ClipReader
from manifests.dataset import MADE_BY, DatasetManifest, Shard
from manifests.errors import GoaltraceError
from manifests.files import sha256_of, write_text

CARD, MANIFEST = "README.md", "dataset.json"


@dataclass(frozen=True)
class PublishPlan:
    """What would be sent."""

    repo_id: str
    shards: list[Shard]
    """The Parquet files, from the data set's folder."""
    made: dict[str, bytes]
    """Path in the repository -> content, of the small files."""
    own_card: bool
    """The folder has a README.md that a person wrote: it is sent as it is."""
    license: str | list[str] | None
    """None where none is known: nothing may be sent then."""
    no_preview: str = ""
    """Why there is no picture for the card, where there is none."""

    @property
    def files(self) -> dict[str, int]:
        """Path in the repository -> bytes."""
        return {path: len(data) for path, data in self.made.items()} | {s.path: s.bytes for s in self.shards}

    @property
    def card(self) -> str:
        return self.made[CARD].decode(errors="replace")


def make_plan(
    dataset: Path, repo_id: str, license_id: str | None, unscanned: bool = False, with_findings: bool = False
) -> PublishPlan:
    """Read and check everything that needs no network.

    Raises `GoaltraceError` for a bad repository name, a licence that the Hub does not know, a file that is not the one
    dataset.json names, and, unless those are meant, for a data set that was not scanned or in which something was
    found.
    """
    require_name(repo_id)
    own = own_card(dataset)
    license_ids = _licence(dataset, own, license_id)
    reader = ClipReader(dataset)
    require_no_machine_names(reader.folder.manifest_path, reader.manifest)
    shards = named_files(reader.manifest)
    for shard in shards:
        _require_same(dataset, shard)
    if not unscanned:
        require_scanned(reader, with_findings)
    made = {MANIFEST: reader.folder.manifest_path.read_bytes()}
    rows = rows_with_scores(reader)
    preview, reason = make_preview(reader, rows)
    if preview is not None:
        made[PREVIEW] = preview.png
    shown = preview.shown if preview else ()
    card = own if own is not None else make_card(dataset, repo_id, license_ids, shown, rows).encode()
    if not with_findings:
        require_clean_words(dataset, reader.manifest, card.decode(errors="replace"))
    return PublishPlan(repo_id, shards, {CARD: card, **made}, own is not None, license_ids, reason)


def own_card(dataset: Path) -> bytes | None:
    """The README.md that a person wrote, if there is one."""
    readme = dataset / CARD
    data = readme.read_bytes() if readme.is_file() else b""
    return data if data and MADE_BY.encode() not in data else None


def _licence(dataset: Path, own: bytes | None, license_id: str | None) -> str | list[str] | None:
    """A card written by hand decides; --license may only say the same."""
    asked = None if license_id is None else require_known(license_id)
    if own is None:
        return asked
    named = of_card(own.decode(errors="replace"), str(dataset / CARD))
    if asked is not None and asked != named:
        raise GoaltraceError(
            f"{dataset / CARD}: was written by hand and names the licence {named}, --license {asked}; make them agree"
        )
    return named


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


def upload(dataset: Path, plan: PublishPlan, private: bool) -> tuple[str, bool]:
    """Create the repository where it does not exist, and switch it to this data set; see `switch`.

    Returns the address of the data set, and whether anything had changed. Every way that this can fail is one
    `GoaltraceError`; a second call goes on, because the Hub knows by hash what it has.
    """
    api = HfApi(token=require_token())
    try:
        url = api.create_repo(plan.repo_id, repo_type="dataset", private=private, exist_ok=True)
        _require_fitting(api, plan.repo_id, private)
        if not plan.own_card:
            write_text(dataset / CARD, plan.card)
        changed = switch(api, plan.repo_id, _wanted(dataset, plan))
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise GoaltraceError(explain(error, plan.repo_id)) from None
    return str(url), changed


def require_token() -> str:
    """The Hub token; `GoaltraceError` where there is none."""
    token = get_token()
    if token is None:
        raise GoaltraceError("no Hub token; set HF_TOKEN or run: hf auth login (a token with write access)")
    return str(token)


def _wanted(dataset: Path, plan: PublishPlan) -> dict[str, RemoteFile]:
    """The files as they shall be on the Hub."""
    shards = {shard.path: RemoteFile(dataset / shard.path, shard.sha256) for shard in plan.shards}
    return shards | {path: RemoteFile.of_bytes(data) for path, data in plan.made.items()}


def _require_fitting(api: HfApi, repo_id: str, private: bool) -> None:
    """An existing repository must be as private as asked for, and not something else than a data set of ours."""
    info = api.dataset_info(repo_id)
    if private and not info.private:
        raise GoaltraceError(
            f"{repo_id}: exists and is public, so --private would not hold; make it private on the Hub "
            "or choose another name"
        )
    names = [sibling.rfilename for sibling in info.siblings or []]
    foreign = [name for name in names if name not in (CARD, ".gitattributes", MANIFEST) and not is_ours(name)]
    if foreign and MANIFEST not in names:
        raise GoaltraceError(
            f"{repo_id}: holds something else already ({foreign[0]}); choose another name or empty it on the Hub"
        )
