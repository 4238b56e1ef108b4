"""Plans a run in closed form: its operations and its memory, reported before the first step."""
