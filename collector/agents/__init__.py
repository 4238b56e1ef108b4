"""The agents that act in episodes: scripted ones at human speed, random ones as controls, and one that runs tapes."""
