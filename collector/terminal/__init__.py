"""Terminals without a shell: asciicasts, the screen that their output makes, and a renderer that draws it."""
