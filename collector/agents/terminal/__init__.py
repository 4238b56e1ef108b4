"""Agents of terminals: they read what the shell shows and press keys."""
