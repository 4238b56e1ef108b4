"""Turns a data set into a model: loader, latents, DiT, objective, loop, evaluation, rollout."""
