"""Measures how exact the recorder is: it films a counter of key presses, and its frames are compared with its log."""
