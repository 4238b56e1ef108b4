"""A finished run at work: loaded with its data, made fast, and rolled out frame after frame."""
