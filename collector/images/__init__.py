"""The images that sessions are recorded in: how they are built, listed and checked to really work."""
