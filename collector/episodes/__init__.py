"""What one episode is, as the host writes it down and the recorder beside the screen reads it."""
