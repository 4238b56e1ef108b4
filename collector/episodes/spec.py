"""The specification of one episode, which the host writes and the recorder beside the screen reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from collector.agent_registry import agent_entry
from collector.episodes.tape import Tape
from manifests.ids import Id
from manifests.task import TaskInstance, TaskManifest

EnvironmentName = Literal["docker", "local", "display"]
CaptureChoice = Literal["auto", "xserver", "mss"]
MIN_FREE_BYTES = 2 * 2**30


def _registered(name: str) -> str:
    return agent_entry(name).name


class EpisodeSpec(BaseModel):
    """One episode to record."""

    model_config = ConfigDict(extra="forbid")

    session_id: Id
    episode_id: Id
    task: TaskManifest
    """The manifest with its parameters filled in."""
    parameters: dict[str, str]
    agent: Annotated[str, AfterValidator(_registered)]
    """A name of `collector/agent_registry.py`."""
    arm: str
    control: bool = False
    """Whether that arm is a control: nobody pursues a goal."""
    seed: int
    fps: float
    width: int = 1024
    height: int = 768
    """Pixels of the screen; a terminal's follow from its columns, rows and font."""
    max_duration_s: float
    """An agent that is not done by then has given up; a person's recording ends well."""
    min_free_bytes: int = MIN_FREE_BYTES
    """Recording ends, cleanly, when the disk has less."""
    environment: EnvironmentName
    display: str | None = None
    """The X display of environment "display"; None: this machine's own screen (Windows, macOS) or $DISPLAY."""
    capture: CaptureChoice = "auto"
    inputs: Literal["auto", "xserver", "callback"] = "auto"
    hotkey: str | None = None
    """Pauses and resumes a person's recording, e.g. "ctrl+alt+p"."""
    consent_id: str | None = None
    redact: tuple[str, ...] = ()
    """The person's own strings, to be taken out of what they typed."""
    tape: Tape | None = None
    """What agent "tape" runs."""
    image: str | None = None
    image_digest: str | None = None

    @property
    def by_person(self) -> bool:
        """Whether a person acts."""
        return agent_entry(self.agent).person

    @classmethod
    def of(
        cls, instance: TaskInstance, *, session_id: str, agent: str, fps: float,
        environment: EnvironmentName, max_duration_s: float | None = None, min_free_bytes: int = MIN_FREE_BYTES,
        capture: CaptureChoice = "auto",
    ) -> EpisodeSpec:  # fmt: skip
        """A specification from a task with its parameters filled in."""
        task = instance.manifest
        return cls(
            session_id=session_id,
            episode_id=episode_name(task.id, agent, instance.seed),
            task=task,
            parameters=instance.parameters,
            agent=agent,
            arm=agent_entry(agent).arm,
            control=agent_entry(agent).control,
            seed=instance.seed,
            fps=fps,
            max_duration_s=max_duration_s or task.timeout_s,
            min_free_bytes=min_free_bytes,
            environment=environment,
            capture=capture,
        )


def episode_name(task_id: str, agent: str, seed: int) -> str:
    """The episode's id, and the name of its session folder."""
    return f"{task_id}-{agent}-{seed:04d}"


def read_spec(path: Path) -> EpisodeSpec:
    return EpisodeSpec.model_validate_json(path.read_bytes())
