"""Task manifests: data that is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.errors import GoaltraceError
from manifests.task import builtin_tasks, find_task, load_task

MINIMAL = """
schema_version: "1.0"
id: my-task
kind: terminal
family: files
goal: "Make {name}"
parameters: {name: {type: words}}
script: [{type: "touch {name} && awk '{print}' {name}"}, {key: Return}]
check: [{path: "~/{name}"}]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "task.yaml"
    path.write_text(text)
    return path


def test_parameters_are_filled_and_other_braces_are_left_alone(tmp_path: Path) -> None:
    instance = load_task(write(tmp_path, MINIMAL)).instantiate(3)
    name = instance.parameters["name"]
    assert instance.manifest.goal == f"Make {name}"
    assert instance.manifest.script[0].type == f"touch {name} && awk '{{print}}' {name}"


def test_the_same_seed_gives_the_same_task(tmp_path: Path) -> None:
    task = load_task(write(tmp_path, MINIMAL))
    assert task.instantiate(7) == task.instantiate(7)
    assert len({task.instantiate(seed).manifest.goal for seed in range(20)}) > 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("goal:", "gaol:"), "gaol: unknown key"),
        (('"1.0"', '"9.0"'), "newer than this release"),
        (("kind: terminal", "kind: phone"), "kind"),
        (("{key: Return}", "{key: Return, type: x}"), "exactly one verb"),
        (("type: words", "type: dice"), "parameters.name"),
        (("check:", "check: ["), "not valid YAML"),
    ],
)
def test_a_bad_task_file_is_one_line_with_file_and_field(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = write(tmp_path, MINIMAL.replace(*change))
    with pytest.raises(GoaltraceError) as caught:
        load_task(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_cannot_make_objects(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="not valid YAML"):
        load_task(write(tmp_path, "!!python/object/apply:os.system ['true']"))


def test_every_builtin_task_loads_under_its_own_name() -> None:
    tasks = {name: find_task(name) for name in builtin_tasks()}
    assert all(task.id == name for name, task in tasks.items())
    kinds = [task.kind for task in tasks.values()]
    assert kinds.count("desktop") >= 6
    assert kinds.count("terminal") >= 8


def test_every_builtin_task_leaves_no_parameter_unfilled() -> None:
    for name in builtin_tasks():
        task = find_task(name)
        dumped = task.instantiate(1).manifest.model_dump_json()
        for parameter in task.parameters:
            assert "{" + parameter + "}" not in dumped, f"{name}: {parameter}"


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(GoaltraceError, match="desktop-editor-note"):
        find_task("no-such-task")


def test_a_goal_may_be_said_in_other_ways_and_the_seed_chooses(tmp_path: Path) -> None:
    plain = load_task(write(tmp_path, MINIMAL))
    task = load_task(write(tmp_path, MINIMAL + 'goals: ["Create {name}", "A file {name}, please"]\n'))
    instances = [task.instantiate(seed) for seed in range(30)]
    assert {instance.manifest.goal.split()[0] for instance in instances} == {"Make", "Create", "A"}
    assert all(instance.parameters["name"] in instance.manifest.goal for instance in instances)
    assert task.instantiate(4) == task.instantiate(4)
    assert task.instantiate(4).parameters == plain.instantiate(4).parameters, "other wordings leave the draws alone"


def test_a_task_may_be_for_people_only(tmp_path: Path) -> None:
    """No script for an agent and nothing to check; leaving the keys out is still a mistake."""
    bare = MINIMAL[: MINIMAL.index("script:")]
    task = load_task(write(tmp_path, bare + "script: []\ncheck: []\n")).instantiate(1).manifest
    assert (task.script, task.check) == ([], [])
    with pytest.raises(GoaltraceError, match="script"):
        load_task(write(tmp_path, bare + "check: []\n"))
