"""The action-conditioned diffusion transformer."""
