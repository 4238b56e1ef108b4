"""The life of a session on disk while it is recorded: its logs, its gate, its timing, and what watches over it."""
