"""The machine that the trainer runs on: its device, its cores, its compiler, and the other ranks."""
