"""Pictures in, screen.mkv out."""
