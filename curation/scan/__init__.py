"""Looking for what is sensitive in a data set, and masking it: `goaltrace scan`."""
