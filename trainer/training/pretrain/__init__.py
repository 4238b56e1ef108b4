"""Gives the heads a start before the first step: a step of the whole model sees few pointers and few keys."""

from trainer.training.pretrain.keys import fit_key_head, key_parts
from trainer.training.pretrain.pointer import fit_head, pointer_parts

__all__ = ["fit_head", "fit_key_head", "key_parts", "pointer_parts"]
