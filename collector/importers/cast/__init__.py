"""Imports terminal recordings (asciicasts) as sessions: repaired, with secrets masked, and drawn."""
