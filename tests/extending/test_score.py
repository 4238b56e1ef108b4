"""A score of ours is a module and an entry: readers know its columns from there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.extending.checkout import Checkout

RUN = """
import json, sys
import goaltrace
from curation.report.table import metrics_of
from curation.stages import STAGES

goaltrace.run_stage(STAGES["pace"], sys.argv[1], workers=1)
arms = goaltrace.report(sys.argv[1], page=False).arms
assert metrics_of(arms)["clicks_per_minute"][0] == "clicks/min"
print(json.dumps({arm.arm: arm.means["clicks_per_minute"].mean for arm in arms}))
"""


def test_the_score_of_the_page_is_reported_and_selected_by(boxes: Path, tmp_path: Path) -> None:
    dataset = shutil.copytree(boxes, tmp_path / "boxes")
    project = Checkout(tmp_path / "project", "A score")
    assert (project.files, project.entries) == (
        ["curation/scores/pace.py"],
        ["curation/stages.py", "curation/report/table.py"],
    )
    wanted = ("select", dataset, "--where", "clicks_per_minute > 0", "--dry-run")
    project.goaltrace(*wanted, status=2)
    assert all(mean > 0 for mean in json.loads(project.python("-c", RUN, dataset)).values())
    assert '"of_clips": 2' in project.goaltrace(*wanted, "--json")
