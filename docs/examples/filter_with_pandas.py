"""Events and scores as one pandas table, filtered without decoding a picture: filter_with_pandas.py DATASET"""

import sys
from pathlib import Path

import pandas as pd

dataset = Path(sys.argv[1])


def table(pattern: str) -> pd.DataFrame:
    """All shards of one table; no video is in `events` or `scores`."""
    return pd.concat([pd.read_parquet(path) for path in sorted(dataset.glob(pattern))], ignore_index=True)


events = table("events/*.parquet")
if any(dataset.glob("scores/intent-*.parquet")):  # after goaltrace score DATASET
    events = events.merge(table("scores/intent-*.parquet"), on="clip_id", validate="one_to_one")

events["seconds"] = events["duration_ns"] / 1e9
events["presses"] = [sum(action["kind"] == "button_down" for action in actions) for actions in events["actions"]]
print(events.groupby("arm")[["seconds", "presses"]].mean().round(2))

kept = events[(events["presses"] > 0) & (events["outcome"] == "success")]
if "efficacy" in kept:
    kept = kept[kept["efficacy"] > 0]
print(f"{len(kept)} of {len(events)} clips:")
print(kept[["clip_id", "goal", "seconds", "presses"]].to_string(index=False))
