"""Docker's engine, how containers are confined, programs running in one, and which system an image holds."""
