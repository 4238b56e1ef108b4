"""Reads pictures for evaluation: a detector of the pointer, and a recogniser of a terminal's characters (OCR)."""
