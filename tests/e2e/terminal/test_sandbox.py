"""Random keys on someone's own machine can change nothing, whatever they happen to spell."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from collector.agents.terminal.random_keys import ACTIONS_PER_S
from collector.recording.session import Recording, reconcile
from collector.runner.terminal import run_episode
from collector.shell.home import fresh_home
from collector.shell.pty import Shell
from collector.shell.sandbox import confine, give_up_rights
from collector.terminal.cast import open_cast
from manifests.session import SessionFolder

ATTEMPTS = r"""
echo x > ~/new
echo x >> {victim}
: > {victim}
cat {victim} > {victim}2
cd /
/bin/rm {victim}
rm {victim}
bash
sh
python3
exec sh
exec /bin/sh
command rm {victim}
builtin kill -9 {pid}
kill -9 {pid}
kill -9 -1
enable kill
enable -n ls
enable -f /lib/x.so x
set +r
set +o restricted
shopt -u restricted_shell
PATH=/usr/bin:/bin
export PATH=/bin
hash -p /bin/rm ls
source {victim}
. {victim}
history -w {victim}
eval '/bin/rm {victim}'
trap 'echo' EXIT
BASH_CMDS[ls]=/bin/rm
ls() {{ /bin/rm {victim}; }}; ls
unset -f ls
alias cut=/bin/rm
cut {victim}
cat <<< x | tac > {victim}
coproc rm {victim}
printf x >| {victim}
bomb() {{ bomb | bomb & }}; bomb
mapfile -c 1 -C '/bin/rm {victim} #' < {victim}
compgen -C '/bin/rm {victim}' x
fc -e /bin/rm
PROMPT_COMMAND='/bin/rm {victim}'
ulimit -f unlimited
suspend
disown -a
exit() {{ :; }}
""".strip().splitlines()


def test_no_attempt_changes_a_file_or_a_process(tmp_path: Path, make_spec) -> None:  # type: ignore[no-untyped-def]
    open_to_all = Path(tempfile.mkdtemp())  # only the sandbox stands between the keys and this file
    open_to_all.chmod(0o777)
    victim = open_to_all / "victim"
    victim.write_text("whole\n")
    victim.chmod(0o666)
    bystander = subprocess.Popen(["sleep", "120"])
    try:
        with (
            fresh_home() as home,
            Recording(tmp_path / "s", make_spec(agent="random-fast"), clock="pty", width=640, height=384,
                      cursor_in_pixels=True, versions={}) as recording,
        ):  # fmt: skip
            (home.path / "own.txt").write_text("mine\n")
            shell = Shell(confine(home), recording, give_up_rights)
            try:
                assert shell.marks.wait_prompt(0, 30)
                for attempt in ATTEMPTS:
                    prompts = shell.marks.prompts
                    for char in attempt.format(victim=victim, pid=bystander.pid) + "\n":
                        shell.press(char)
                    assert shell.marks.wait_prompt(prompts, 30), f"no prompt after: {attempt}"
                    assert shell.alive, f"the shell ended after: {attempt}"
                start = shell.marks.length
                for char in "cat own.txt\n":
                    shell.press(char)
                assert shell.marks.wait_text("mine", start, 30), "harmless tools still work"
            finally:
                shell.close()
            assert victim.read_text() == "whole\n"
            assert list(open_to_all.iterdir()) == [victim]
            assert [path.name for path in home.path.iterdir()] == ["own.txt"]
            assert (home.path / "own.txt").read_text() == "mine\n"
            assert bystander.poll() is None
            recording.end("failure", "a test")
    finally:
        bystander.kill()
        bystander.wait()
        shutil.rmtree(open_to_all)


def test_a_bomb_is_soon_over() -> None:
    """The attempt above with a recursive function ends by itself: nothing is left of it a second later, or a few."""
    until = time.monotonic() + 15
    while "rc-restricted" in (running := commands()):
        assert time.monotonic() < until, running
        time.sleep(0.2)


def commands() -> str:
    return subprocess.run(["ps", "-eo", "user,args"], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def random_session(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    from collector.episodes.spec import EpisodeSpec
    from manifests.task import find_task

    task = find_task("terminal-find-largest-file").instantiate(0)
    path = tmp_path_factory.mktemp("random") / "s"
    run_episode(EpisodeSpec.of(task, session_id="r", agent="random-fast", fps=15, environment="local"), path)
    return SessionFolder(path)


def test_the_random_arm_is_a_session_like_any_other(random_session: SessionFolder) -> None:
    manifest = random_session.read_manifest()
    assert (manifest.state, manifest.arm, manifest.outcome) == ("complete", "random-fast", "failure")
    assert manifest.outcome_detail.startswith("random keys, no goal")
    assert manifest.invalid_reasons == [] == reconcile(random_session.actions(), random_session.intents())
    assert list(open_cast(random_session.cast).events())[-1].code == "x"


def test_the_random_arm_has_the_published_rate(random_session: SessionFolder) -> None:
    seconds = random_session.read_manifest().duration_ns / 1e9
    assert 14 < seconds < 25
    assert 0.6 * ACTIONS_PER_S < len(random_session.actions()) / seconds < 1.4 * ACTIONS_PER_S
    assert len({action.key for action in random_session.actions()}) > 15
