"""Recording people: consent first, a mark while it runs, and pausing or hiding at any moment."""
