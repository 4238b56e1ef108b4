"""A check that already holds before anybody acts checks nothing: each task's material is made, and its check fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from collector.runner.checks import check_task
from collector.runner.setup import set_up
from collector.shell.home import fresh_home
from manifests.task import builtin_tasks, load_task
from tests.conftest import require
from tests.waiting import comes

TASKS = {name: path for name, path in builtin_tasks().items() if load_task(path).kind == "terminal"}
ONLY_TYPED = {"nano", "tree"}  # neither setup nor check calls these


@pytest.mark.parametrize("name", TASKS)
def test_the_goal_is_not_reached_before_anybody_acts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(TASKS[name]).instantiate(5).manifest
    require(*(set(task.requires) - ONLY_TYPED))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_home() as home:
        set_up(task, home.path, home.environment)
        outcome, detail = check_task(task, home.path, home.environment)
        assert outcome == "failure", detail
    assert list(tmp_path.iterdir()) == []


def test_a_home_is_gone_although_something_writes_into_it_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    remove = shutil.rmtree

    def overtaken(folder: Path, **options: bool) -> None:
        monkeypatch.setattr(shutil, "rmtree", remove)
        remove(folder, **options)
        (folder / "agent").mkdir(parents=True)

    with fresh_home():
        monkeypatch.setattr(shutil, "rmtree", overtaken)
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "fix-permissions": "cd {folder} && chmod 755 {script}.sh && chmod 640 {secret}.key && ./{script}.sh",
    "git-conflict": "cd {project} && git checkout -q {branch} && { git merge main || true; } && "
    "printf 'Menu\\n====\\n{ours} 3\\n{theirs} {price}\\nwater 1\\n' > menu.txt && git commit -qam Merge",
    "git-stash-away": "cd {project} && git commit -qam Mine && git checkout -q {branch} && "
    "echo {version} > version.txt && git commit -qam New && git checkout -q main",
    "archive-folder": "for f in {folder}/{year}/*; do : > $f; done; "
    "tar -czf {archive}.tar.gz {folder} && rm -r {folder}",
    "heredoc-script": "echo '# {word}' > {name}.sh; seq {last} | sed 's/^/{word} /' > {name}.out",
    "function-script": "echo '{function}() { :; }' > {name}.sh; "
    "for w in {words}; do echo $(yes $w | head -{times}); done > {name}.out",
    "into-background": "sleep() { :; }; export -f sleep; ./{job}.sh && echo '{note}' > {list}.txt",
    "set-variable": "echo {variable}={value} >> .profile; {variable}={value} ./{program}",
    "sqlite-total": "sqlite3 shop.db \"insert into orders values ('{item}', {quantity}), ('{item}', 0)\"; "
    "echo $(({first} + {second} + {quantity})) > total.txt",
}
"""What looks like the goal and is not it."""

RIGHT = {
    "fix-permissions": "cd {folder} && chmod 755 {script}.sh && chmod 400 {secret}.key && ./{script}.sh",
    "switch-release": "rm site/current && ln -s ~/site/releases/{new} site/current",
    "function-script": "printf 'function {function} {\\n  echo $(yes $1 | head -{times})\\n}\\n"
    "for w in {words}; do {function} $w; done\\n' > {name}.sh; bash {name}.sh > {name}.out",
    "set-variable": "echo 'export {variable}={value}' >> .profile; . ./.profile; ./{program}",
}
"""Another way than the script's."""


@pytest.mark.parametrize(
    ("name", "typed", "outcome"),
    [(*item, outcome) for ways, outcome in ((WRONG, "failure"), (RIGHT, "success")) for item in ways.items()],
)
def test_a_check_sees_what_was_done_not_how(
    name: str, typed: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = load_task(TASKS[f"terminal-{name}"]).instantiate(5)
    task = instance.manifest
    require(*task.requires)
    for parameter, value in instance.parameters.items():
        typed = typed.replace(f"{{{parameter}}}", str(value))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_home() as home:
        set_up(task, home.path, home.environment)
        subprocess.run(["bash", "-c", typed], cwd=home.path, env=home.environment, check=True, capture_output=True)
        assert check_task(task, home.path, home.environment)[0] == outcome


def processes_in(folder: Path) -> list[str]:
    """Names of the processes whose working folder is, or was, below `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("name", ["terminal-curl-download", "terminal-stop-runaway"])
def test_what_a_setup_leaves_running_ends_with_its_home(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = load_task(TASKS[name]).instantiate(6).manifest
    require(*task.requires)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fresh_home() as home:
        set_up(task, home.path, home.environment)
        assert processes_in(tmp_path)
    assert comes(lambda: not processes_in(tmp_path)), processes_in(tmp_path)
