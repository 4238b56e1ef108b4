"""Where an episode runs: a container of its own, this machine, or a person's own screen."""
