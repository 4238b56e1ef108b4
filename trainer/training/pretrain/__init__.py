"""Pretrains the pointer head and the key head before the first step, as a training step sees little of either."""

from trainer.training.pretrain.keys import fit_key_head, key_parts
from trainer.training.pretrain.pointer import fit_head, pointer_parts

__all__ = ["fit_head", "fit_key_head", "key_parts", "pointer_parts"]
