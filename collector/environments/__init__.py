"""Where an episode runs: a container of its own, or this machine."""
