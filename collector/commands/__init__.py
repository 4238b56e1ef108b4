"""The commands of collector, one module each."""
