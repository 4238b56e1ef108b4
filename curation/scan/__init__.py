"""Finding secrets and personal data in the clips of a data set, and masking them: `goaltrace scan`."""
