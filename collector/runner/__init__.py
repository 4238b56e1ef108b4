"""The program beside the screen (`python -m collector.runner`): sets up, records what somebody does, checks."""
