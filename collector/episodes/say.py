"""What the recorder beside the screen reports to the host while it records."""

from __future__ import annotations

import json
import sys


def say(event: str, **fields: object) -> None:
    """One line of progress to the host, as JSON on standard output."""
    print(json.dumps({"event": event, **fields}), file=sys.stdout, flush=True)
