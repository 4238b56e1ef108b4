"""Sessions of NeuralComputer's recorders (metauto-ai/NeuralComputer, bd6dc0a): a video, and logs beside it."""
