"""Reads generated pictures as a person would: where the pointer is, which characters stand on a terminal's screen."""
