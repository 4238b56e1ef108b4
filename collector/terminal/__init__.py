"""Terminals: a shell in a pty, its bytes as an asciicast, and a renderer that draws them afterwards."""
