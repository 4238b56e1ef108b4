"""Turns clips into a data set: scores, selection, report, publishing."""
