"""VHS tapes, run and recorded."""
