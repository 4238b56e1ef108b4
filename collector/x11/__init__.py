"""The X server and its keyboard: connections, shared memory, and which key types what."""
