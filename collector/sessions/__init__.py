"""What can be done with sessions on disk: check them, make a killed one whole, forget a person's."""
