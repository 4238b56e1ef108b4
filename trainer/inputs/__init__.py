"""From what the data gives to what the model takes: latents, conditions, goals."""

from trainer.inputs.model_inputs import ModelInputs

__all__ = ["ModelInputs"]
