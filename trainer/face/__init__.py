"""What `import goaltrace` and the commands call: train, evaluate, roll out, encode, compare, and windows of clips."""
