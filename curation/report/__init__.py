"""What is in a data set, as one page and as one short table."""
