"""VHS tapes: scripted terminal sessions, read on the host and run in the terminal environment."""
