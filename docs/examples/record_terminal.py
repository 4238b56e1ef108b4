"""Record a terminal task on this machine, and pack the session into a data set.

    python docs/examples/record_terminal.py FOLDER

The session goes to FOLDER/sessions, the data set to FOLDER/dataset. A few programs of this machine are run by a script,
in a home of their own: no container is needed.
"""

import sys
from pathlib import Path

import goaltrace
from manifests.task import load_task

TASK = """
schema_version: "1.0"
id: terminal-first-note
kind: terminal
family: files
goal: "Write {text} into ~/note.txt, and look at it."
parameters:
  text: {type: words, count: 2}
script:
  - {say: write the note, type: "echo {text} > note.txt"}
  - {key: Return}
  - {wait_prompt: true}
  - {say: look at it, type: cat note.txt}
  - {key: Return}
  - {wait_prompt: true}
check:
  - {path: ~/note.txt, equals: "{text}"}
"""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "first-note.yaml").write_text(TASK)
    task = load_task(folder / "first-note.yaml")

    recorded = goaltrace.record(task, out=folder / "sessions", env="local", seed=3)
    for episode in recorded.episodes:
        print(f"{episode.episode_id}: {episode.outcome} in {episode.seconds:.1f} s")

    packed = goaltrace.pack(recorded.out, out=folder / "dataset", keep_bad_timing=True)
    counts = packed.manifest.counts
    print(f"{packed.out}: {counts.clips} clips, {counts.frames} frames, {counts.actions} actions")
    for session in packed.manifest.left_out:
        print(f"left out: {session.name}: {session.reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
