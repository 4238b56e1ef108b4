"""Curating data sets of clips: scoring, scanning for secrets, selecting, merging, reporting, publishing."""
