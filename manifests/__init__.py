"""Every document that passes between collector, curation and trainer, and the code that two of them share."""

__version__ = "0.1.0"
