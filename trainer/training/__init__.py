"""From a data set to a run: the folder begun, its readers and heads fitted, then step after step."""
