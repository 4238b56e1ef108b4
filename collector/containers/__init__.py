"""The Docker engine, what keeps a container confined, programs in one, and the system that an image is."""
