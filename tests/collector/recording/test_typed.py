"""A secret that a person typed where nothing hid it is in no file when the session is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.campaign import result_of
from collector.commands import record
from collector.episodes.spec import EpisodeSpec
from collector.recording.session import Recording
from collector.recording.typed import redact_typed
from manifests.files import append_jsonl
from manifests.session import Action, SessionFolder
from manifests.task import find_task
from tests.manifests.secrets.planted import planted


def pressed(text: str) -> list[Action]:
    """Presses and releases, with Shift around capitals; `<` corrects."""
    made: list[Action] = []

    def add(kind: str, key: str, char: str | None = None) -> None:
        made.append(Action(seq=len(made), t_ns=len(made) * 10**7, kind=kind, key=key, char=char))  # type: ignore[arg-type]

    for character in text:
        if character == "<":
            add("key_down", "BackSpace")
            add("key_up", "BackSpace")
            continue
        key = {" ": "space", "\n": "Return"}.get(character, character)
        if character.isupper():
            add("key_down", "Shift_L")
        add("key_down", key, "\r" if character == "\n" else character)
        add("key_up", key)
        if character.isupper():
            add("key_up", "Shift_L")
    return made


def redacted(path: Path, actions: list[Action], listed: tuple[str, ...] = ()) -> tuple[dict[str, int], list[Action]]:
    path.mkdir(parents=True)
    folder = SessionFolder(path)
    append_jsonl(folder.actions_path, actions)
    counts = redact_typed(folder, listed)
    return counts, folder.actions()


def said(actions: list[Action]) -> str:
    return "".join(a.char or "" for a in actions if a.kind == "key_down")


def test_keys_of_a_secret_lose_what_they_were_and_keep_their_times(tmp_path: Path) -> None:
    secret = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    before = pressed(f"export TOKEN={secret[:20]}z<{secret[20:]}\nls\n")
    counts, after = redacted(tmp_path / "s", before)
    assert counts == {"GitHub token": 1}
    assert said(after) == "export TOKEN=\rls\r"
    assert [(a.seq, a.t_ns, a.kind) for a in after] == [(a.seq, a.t_ns, a.kind) for a in before]
    hidden = [a for a in after if a.redacted]
    assert all(a.key is None and a.char is None for a in hidden)
    left = [a for a in after if a.key == "Shift_L" and not a.redacted]
    assert len(left) == 2 * len("TOKEN")


def test_no_typed_secret_of_the_corpus_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = []
    secrets = [one for one in planted(seed=60) if "<" not in one.line]
    for number, one in enumerate(secrets):
        _, after = redacted(tmp_path / str(number), pressed(one.line + "\n"))
        pieces = [one.secret[at : at + 7] for at in range(max(1, len(one.secret) - 6))]
        if any(piece in said(after) for piece in pieces):
            left.append(f"{one.kind}: {one.line}")
    with capsys.disabled():
        print(f"\n{len(secrets)} secrets typed on a desktop, {len(left)} left")
    assert not left, "\n".join(left)


def test_what_a_person_listed_is_taken_out_and_nothing_else(tmp_path: Path) -> None:
    counts, after = redacted(tmp_path / "s", pressed("see Project Nightjar now\n"), ("project nightjar",))
    assert counts == {"listed": 1} and said(after) == "see  now\r"


def test_a_click_ends_what_was_typed_before(tmp_path: Path) -> None:
    first, then = pressed("password: "), pressed("tomorrow4\n")
    click = Action(seq=0, t_ns=0, kind="button_down", button="left", x=1, y=1)
    counts, after = redacted(tmp_path / "s", [*first, click, *then])
    assert not counts and said(after) == "password: tomorrow4\r"


def test_the_session_says_what_its_pictures_may_show(tmp_path: Path) -> None:
    instance = find_task("desktop-editor-note").instantiate(1)
    spec = EpisodeSpec.of(instance, session_id="s", agent="human", fps=15, environment="display")
    recording = Recording(tmp_path, spec, clock="xserver", width=1, height=1, cursor_in_pixels=True, versions={})
    with recording:
        recording.log(*pressed("card 4111 1111 1111 1111\n"))
        recording.end("success", "done")
    manifest = recording.folder.read_manifest()
    assert manifest.typed_in_clear == {"card number": 1}
    assert "4111" not in recording.folder.actions_path.read_text() + recording.folder.manifest_path.read_text()
    assert "typed in clear: card number 1" in result_of(recording.folder).detail


def test_a_list_is_for_people_only(tmp_path: Path) -> None:
    import argparse

    from manifests.errors import GoaltraceError

    parser = argparse.ArgumentParser()
    record.configure(parser)
    args = parser.parse_args(["terminal-count-lines", "--out", str(tmp_path / "o"), "--redact", str(tmp_path / "list")])
    with pytest.raises(GoaltraceError, match="--redact"):
        record.run(args)
