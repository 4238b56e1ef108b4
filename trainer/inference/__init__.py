"""Inference with a finished run: it is loaded with its data, prepared, and rolled out frame after frame."""
