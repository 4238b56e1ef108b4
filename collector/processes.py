"""Ending a process of ours that ends by itself when its standard input closes."""

from __future__ import annotations

import subprocess


def end_by_closing_stdin(process: subprocess.Popen[str], seconds: float) -> None:
    """Close its standard input, give it `seconds` to end by itself, then kill it."""
    assert process.stdin is not None
    try:
        process.stdin.close()
    except OSError:
        pass
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
