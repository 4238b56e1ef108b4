"""The ground floor: every document that passes between collector, curation and trainer."""

__version__ = "0.1.0"
