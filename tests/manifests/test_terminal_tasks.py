"""The terminal tasks that come with GoalTrace: many kinds of work, each different from seed to seed."""

from __future__ import annotations

import re

import pytest

from manifests.task import TaskManifest, builtin_tasks, load_task

TASKS = {name: task for name, path in builtin_tasks().items() if (task := load_task(path)).kind == "terminal"}
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def text_of(task: TaskManifest) -> str:
    return task.model_dump_json(exclude={"parameters"})


def test_there_are_at_least_forty_families_each_named_after_its_file() -> None:
    assert all(task.id == name and name.startswith("terminal-") for name, task in TASKS.items())
    assert len({task.family for task in TASKS.values()}) >= 40


def test_no_two_families_type_the_same_things() -> None:
    typed = {name: {step.type for step in task.script if step.type} for name, task in TASKS.items()}
    for name, mine in typed.items():
        for other, theirs in typed.items():
            assert name >= other or len(mine & theirs) <= len(mine) / 2, f"{name} is much like {other}"


@each_task
def test_every_parameter_changes_the_task(task: TaskManifest) -> None:
    assert task.parameters
    for name in task.parameters:
        assert "{" + name + "}" in text_of(task), f"{name} is drawn but never used"


@each_task
def test_a_goal_is_a_sentence_without_gaps(task: TaskManifest) -> None:
    goals = [task.instantiate(seed).manifest.goal for seed in range(20)]
    for goal in goals:
        assert "{" not in goal
        assert goal[0].isupper() or goal.startswith(("~", "'", "make "))
        assert goal.endswith((".", "?"))
    if task.goals:
        wordings = [re.escape(wording) for wording in (task.goal, *task.goals)]
        shapes = [re.sub(r"\\{[a-z_]+\\}", ".*", wording) for wording in wordings]
        assert all(any(re.fullmatch(shape, goal) for goal in goals) for shape in shapes), "a wording is never drawn"


@each_task
def test_seeds_ask_for_different_results(task: TaskManifest) -> None:
    seeds = [task.instantiate(seed).manifest for seed in range(20)]
    assert len({text_of(instance) for instance in seeds}) > 10
    results = {instance.model_dump_json(include={"check", "setup"}) for instance in seeds[:10]}
    assert len(results) >= 3


@each_task
def test_a_script_has_sub_goals_and_waits_for_every_command(task: TaskManifest) -> None:
    commands = sum(step.key == "Return" for step in task.script)
    assert 3 <= commands <= 14
    assert sum(step.say is not None for step in task.script) >= 2
    waits = sum(step.wait_prompt or step.wait_for_text is not None for step in task.script)
    assert waits >= commands - 3, "inside an editor a few lines may go without"
    assert task.script[-1].wait_prompt, "the last command is seen to end before the check looks"
    assert task.check
