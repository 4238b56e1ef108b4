"""Scores of intent: what each clip's own pixels and actions say, one column per question."""
