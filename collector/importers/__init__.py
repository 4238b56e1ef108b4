"""Imports what other tools recorded, as sessions: times stay as they are, and session.json notes what is wrong."""
