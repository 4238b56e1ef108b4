"""What a run keeps on disk, written whole or not at all and read back as plain tensors, never as objects.

RUN/config.json                  settings, seed, data set, held-out sessions
RUN/codec.pt                     the codec's tensors
RUN/pointer.pt                   the pointer reader (desktop data sets)
RUN/checkpoints/step-00000123/   weights, their EMA, optimiser, step (torch.distributed.checkpoint)
RUN/metrics.jsonl                one line a step
"""

from trainer.checkpoint.info import RunInfo, trim_metrics
from trainer.checkpoint.load import load_codec, load_model
from trainer.checkpoint.tensors import load_tensors, save_tensors

__all__ = ["RunInfo", "load_codec", "load_model", "load_tensors", "save_tensors", "trim_metrics"]
