"""Progress that the recorder, which runs beside the screen, reports to the host while it records."""

from __future__ import annotations

import json
import sys


def report_progress(event: str, **fields: object) -> None:
    """Report one event to the host: a line of JSON on standard output."""
    print(json.dumps({"event": event, **fields}), file=sys.stdout, flush=True)
