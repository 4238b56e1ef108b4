"""Task manifests: what to record, as YAML. A task is data: verbs, targets and checks, never Python."""

from __future__ import annotations

import random
import re
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from manifests.errors import GoaltraceError
from manifests.files import parse_model, read_bytes
from manifests.versions import require_readable
from manifests.vocabulary import program_named, role_named

Kind = Literal["desktop", "terminal"]
MAX_ALIASES = 50
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Strict(BaseModel):
    """A document that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class IntParameter(Strict):
    """A whole number drawn uniformly from [min, max]."""

    type: Literal["int"]
    min: int
    max: int

    def draw(self, rng: random.Random) -> str:
        return str(rng.randint(self.min, self.max))


class ChoiceParameter(Strict):
    """One of the values given."""

    type: Literal["choice"]
    values: list[str] = Field(min_length=1, max_length=1000)

    def draw(self, rng: random.Random) -> str:
        return rng.choice(self.values)


class WordsParameter(Strict):
    """`count` different words from a built-in list of plain English words, joined by `join`."""

    type: Literal["words"]
    count: int = Field(1, ge=1, le=50)
    join: str = " "

    def draw(self, rng: random.Random) -> str:
        return self.join.join(rng.sample(WORDS, self.count))


Parameter = Annotated[IntParameter | ChoiceParameter | WordsParameter, Field(discriminator="type")]


Role = Annotated[str, AfterValidator(role_named)]
Program = Annotated[str, AfterValidator(program_named)]


class Target(Strict):
    """Where to act: an accessible element (role, name), a window of a program (program), both (an element of that
    program), a window by its title (window), or an element of the page in the browser (css). `at` names a spot in it.

    Roles and programs are words of ours (`manifests.vocabulary`), which mean the same on every system.
    """

    role: Role | None = None
    name: str | None = None
    program: Program | None = None
    css: str | None = None
    window: str | None = None
    at: tuple[float, float] = (0.5, 0.5)
    """Fractions of the box found: (0, 0) is its upper left corner."""

    @model_validator(mode="after")
    def _one_way_to_find_it(self) -> Target:
        if sum(x is not None for x in (self.role or self.name or self.program, self.css, self.window)) != 1:
            raise ValueError("give exactly one of: role, name and program (one or more of them); css; window")
        return self


class Step(Strict):
    """One step of the script; it has exactly one verb.

    Desktop: click, drag, scroll, type, key, wait_for, pause. Terminal: type, key, wait_for_text, wait_prompt, pause.
    """

    say: str | None = None
    """The sub-goal in words; written to intents.jsonl."""
    click: Target | None = None
    button: Literal["left", "middle", "right"] = "left"
    count: int = Field(1, ge=1, le=3)
    drag: tuple[Target, Target] | None = None
    scroll: Target | None = None
    amount: int = Field(0, ge=-50, le=50)
    """Wheel clicks for `scroll`; negative scrolls down."""
    type: str | None = Field(None, max_length=4000)
    key: str | None = None
    """A key or shortcut: "Return", "ctrl+s"."""
    wait_for: Target | None = None
    wait_for_text: str | None = None
    """Terminal: wait until this text is on the screen."""
    wait_prompt: bool = False
    """Terminal: wait until the shell is ready for the next command."""
    pause: float | None = Field(None, ge=0, le=60)
    """Seconds of thinking time."""
    optional: bool = False
    """A step that may find nothing (a dialog that appears only sometimes)."""

    @model_validator(mode="after")
    def _exactly_one_verb(self) -> Step:
        if len(self.verbs) != 1:
            raise ValueError(f"a step has exactly one verb, this one has {list(self.verbs) or 'none'}")
        return self

    @property
    def verbs(self) -> tuple[str, ...]:
        names = ("click", "drag", "scroll", "type", "key", "wait_for", "wait_for_text", "pause")
        given = tuple(name for name in names if getattr(self, name) is not None)
        return given + (("wait_prompt",) if self.wait_prompt else ())

    @property
    def verb(self) -> str:
        return self.verbs[0]


class FileCheck(Strict):
    """A file's real content after the episode. `~` is the actor's home."""

    path: str
    exists: bool = True
    equals: str | None = None
    contains: str | None = None


class CommandCheck(Strict):
    """A shell command run where the episode ran; its exit status and, if given, its output decide."""

    run: str
    exit: int = 0
    stdout: str | None = None
    """Expected standard output, compared after stripping surrounding white space."""


class TaskManifest(Strict):
    """What to record: goal, parameters, script and the check that decides success."""

    schema_version: str
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{2,63}$")
    kind: Kind
    family: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    goal: str = Field(min_length=5, max_length=1000)
    goals: list[Annotated[str, Field(min_length=5, max_length=1000)]] = Field([], max_length=50)
    """Other ways to say the goal; an instance has one of all, drawn by its seed."""
    parameters: dict[str, Parameter] = {}
    setup: list[str] = []
    """Shell commands run, unrecorded, as the actor before the episode."""
    script: list[Step] = Field(max_length=500)
    """What a scripted agent does; empty for a task that only people do."""
    check: list[FileCheck | CommandCheck] = Field(max_length=50)
    """Decides success; without any the outcome is "unverified"."""
    timeout_s: float = Field(60, gt=0, le=3600)
    requires: list[str] = Field([], max_length=50)
    """Programs the episode needs on PATH; checked before it starts where they may be missing (`--env local`)."""
    columns: int = Field(80, ge=20, le=300)
    rows: int = Field(24, ge=5, le=120)

    def instantiate(self, seed: int) -> TaskInstance:
        """Draw the parameters from `seed` and fill them into goal, setup, script and check."""
        rng = random.Random(f"{self.id}:{seed}")
        values = {name: parameter.draw(rng) for name, parameter in self.parameters.items()}
        data = self.model_dump(exclude={"parameters", "goals"}, exclude_defaults=True)
        if self.goals:
            data["goal"] = rng.choice([self.goal, *self.goals])
        filled = _fill(data, values)
        return TaskInstance(manifest=TaskManifest.model_validate(filled), parameters=values, seed=seed)


class TaskInstance(Strict):
    """A task with its parameters filled in."""

    manifest: TaskManifest
    parameters: dict[str, str]
    seed: int


def _fill(value: Any, values: dict[str, str]) -> Any:
    """Replace {name} by its value in every string; other braces stay (shell and awk need them)."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), value)
    if isinstance(value, dict):
        return {key: _fill(inner, values) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(inner, values) for inner in value]
    return value


def load_task(path: Path) -> TaskManifest:
    """Read one task file. Raises `GoaltraceError` naming the file, the field and what to do."""
    try:
        text = read_bytes(path, limit=2**20)
        _require_few_aliases(path, text)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML's own errors, and what its constructors make of a date or number that is none
        reason = " ".join(str(error).split())
        raise GoaltraceError(f"{path}: not valid YAML ({reason})") from None
    if not isinstance(data, dict):
        raise GoaltraceError(f"{path}: a task file is a mapping with keys such as id, kind, goal, script")
    require_readable(data.get("schema_version"), str(path))
    return parse_model(TaskManifest, data, path)


def _require_few_aliases(path: Path, text: bytes) -> None:
    """Aliases make a few lines into gigabytes, and no task needs many."""
    if b"*" in text:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader))
        if aliases > MAX_ALIASES:
            raise GoaltraceError(f"{path}: {aliases} aliases (*name) are more than {MAX_ALIASES}; write it out")


def builtin_tasks() -> dict[str, Path]:
    """The tasks that come with GoalTrace: id -> file."""
    folder = Path(str(resources.files("manifests"))) / "tasks"
    return {path.stem: path for path in sorted(folder.glob("*/*.yaml"))}


def find_task(name: str) -> TaskManifest:
    """A task by file path or by the id of one that comes with GoalTrace."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return load_task(Path(name))
    known = builtin_tasks()
    if name not in known:
        raise GoaltraceError(f"task {name!r}: unknown; give a .yaml file or one of: {', '.join(known)}")
    return load_task(known[name])


WORDS = (
    "amber anchor apple arrow autumn basket beacon birch blossom bottle bridge bronze button candle canyon "
    "carpet castle cedar chapter cherry circle clover cobalt coffee copper coral cotton crystal dancer desert "
    "dolphin dragon ember engine falcon feather fender forest fountain galaxy garden ginger glacier granite "
    "hammer harbor hazel helmet honey island ivory jacket jasmine jungle kettle ladder lantern lemon linen "
    "lizard magnet maple marble meadow mirror morning mountain needle nickel nutmeg oasis ocean olive onyx "
    "orange orchid otter oyster paper pebble pepper piano pillow planet pocket pollen prairie quartz rabbit "
    "raven ribbon river rocket saddle saffron salmon sandal shadow silver sparrow spiral spring summer sunset "
    "thistle timber tulip tunnel turtle valley velvet violet walnut window winter yellow zephyr"
).split()
