"""`publish`: cheap checks first, then everything that has to be read, then the upload to the Hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.utils import logging

from curation.publish import licence
from curation.publish.upload import make_plan, own_card, require_name, require_token, upload
from manifests.dataset import DatasetFolder
from manifests.errors import GoaltraceError


@dataclass(frozen=True)
class PublishResult:
    """What was sent to the Hub, or would be."""

    repo: str
    url: str | None
    """The data set's address; None for a dry run."""
    changed: bool
    """Whether anything had to be sent."""
    license: str | list[str] | None
    files: Mapping[str, int]
    """Path in the repository -> bytes."""
    card: str
    """README.md."""
    own_card: bool
    """A person wrote it: it is sent as it is."""
    no_preview: str
    """Why there is no picture for the card; empty where there is one."""


def publish(
    dataset: Path | str,
    repo: str,
    *,
    license: str | None = None,
    private: bool = False,
    unscanned: bool = False,
    with_findings: bool = False,
    dry_run: bool = False,
) -> PublishResult:
    """Publish a data set on the Hugging Face Hub, with its card (docs/publishing.md).

    Args:
        dataset: the data set's folder.
        repo: OWNER/NAME; made where it does not exist.
        license: its id on the Hub, such as cc-by-4.0. Only a dry run, or a card written by hand, does without.
        private: make the repository private.
        unscanned: publish although it was not scanned for secrets.
        with_findings: publish what a scan found in it as well.
        dry_run: look at everything and send nothing; needs no token.

    A run that was cut short goes on when it is called again. Raises `GoaltraceError` for whatever is refused here or by
    the Hub.
    """
    dataset = Path(dataset)
    if is_license_missing(dataset, repo, license, dry_run) and not dry_run:
        raise GoaltraceError(licence.missing())
    with _quiet_hub():
        plan = make_plan(dataset, repo, license, unscanned, with_findings)
        url, changed = (None, False) if dry_run else upload(dataset, plan, private)
    return PublishResult(
        plan.repo_id, url, changed, plan.license, plan.files, plan.card, plan.own_card, plan.no_preview
    )


def is_license_missing(dataset: Path, repo: str, license: str | None, dry_run: bool) -> bool:
    """Whether neither the caller nor a card written by hand names a licence.

    Raises `GoaltraceError` for what can be refused at once, before every file is read.
    """
    require_name(repo)
    DatasetFolder(dataset).read_manifest()
    if license is not None:
        licence.require_known(license)
    if not dry_run:
        require_token()
    return license is None and own_card(dataset) is None


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Inside, huggingface_hub sends no telemetry about this machine's packages, and logs errors only: each retry would
    be a line, and the failure is one already."""
    verbosity, telemetry = logging.get_verbosity(), constants.HF_HUB_DISABLE_TELEMETRY  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    constants.HF_HUB_DISABLE_TELEMETRY = telemetry or "HF_HUB_DISABLE_TELEMETRY" not in os.environ
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)  # type: ignore[no-untyped-call]
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry
