"""A shell in a pseudo-terminal, and the keys pressed in it."""
