"""Looking at a session before it is packed: one page with its video, its actions, and what to keep of it."""
