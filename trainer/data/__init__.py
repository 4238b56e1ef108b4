"""Clips to training windows: index, alignment of actions to frames, cursor maps, order."""
