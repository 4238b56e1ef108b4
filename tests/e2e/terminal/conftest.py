"""Specifications of small terminal episodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from collector.episodes.spec import EpisodeSpec
from manifests.task import TaskInstance, TaskManifest

MakeSpec = Callable[..., EpisodeSpec]


@pytest.fixture
def make_spec() -> MakeSpec:
    """A local episode of a task with the script given; other fields of the task by name."""

    def make(*script: dict[str, Any], agent: str = "scripted", max_duration_s: float = 30, **task: Any) -> EpisodeSpec:
        task.setdefault("check", [{"run": "true"}])
        manifest = TaskManifest.model_validate(
            {"schema_version": "1.0", "id": "a-task", "kind": "terminal", "family": "test", "goal": "A goal for a test",
             "script": list(script) or [{"pause": 0}], **task}
        )  # fmt: skip
        return EpisodeSpec.of(
            TaskInstance(manifest=manifest, parameters={}, seed=0), session_id="s", agent=agent,  # type: ignore[arg-type]
            fps=15, environment="local", max_duration_s=max_duration_s,
        )  # fmt: skip

    return make
