"""What host and recorder share about an episode: its specification, its progress, the exceptions that end it."""
