"""The settings of a run: what there is, changed by dotted names, checked together, written and read back."""

from trainer.settings.checks import validated
from trainer.settings.overrides import from_dict, override, to_dict, with_whole_paths

__all__ = ["from_dict", "override", "to_dict", "validated", "with_whole_paths"]
