"""A finished run opened again, with the data to measure it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from manifests.errors import GoaltraceError
from manifests.progress import OnProgress, ignore
from trainer.checkpoint import RunInfo, load_model, load_tensors
from trainer.codec import Codec
from trainer.data.clip import Clip
from trainer.data.index import load_index
from trainer.data.source import is_remote, open_dataset
from trainer.data.windows import ClipStore
from trainer.inference.ready import make_ready
from trainer.inputs import ModelInputs
from trainer.machine.device import pick_device
from trainer.model.world import WorldModel
from trainer.reading.pointer import PointerReader
from trainer.reading.text import TextReader
from trainer.settings.config import Config


@dataclass(frozen=True)
class LoadedRun:
    """A trained run with the data to measure it on."""

    config: Config
    model: WorldModel
    codec: Codec
    inputs: ModelInputs
    reader: PointerReader | None
    texts: TextReader | None
    step: int
    store: ClipStore
    trained_on: list[Clip]
    held_out: list[Clip]


def load_run(
    run: Path, dataset: str | None, device_name: str, kind: str | None = None, on_progress: OnProgress = ignore
) -> LoadedRun:
    """Load a run and index its data set with the split it was trained with.

    Raises `GoaltraceError` when the run or data set is missing, or the data set holds none of the held-out sessions.
    """
    info = RunInfo.read(run)
    where = dataset or info.dataset
    if dataset is None and not is_remote(where) and not Path(where).is_dir():
        raise GoaltraceError(f"{where}: the run's data set is not there any more; say where it is with --dataset")
    device = pick_device(device_name)
    model, codec, step = load_model(run, info, device)
    make_ready(model, info.config.train, device)
    reader = open_dataset(where, on_progress)
    index = load_index(reader, info.config.data, kind or info.kind, info.held_out)
    if not index.held_out:
        raise GoaltraceError(
            f"{where}: holds none of the sessions that {run} held out; use the data set it was trained on"
        )
    store = ClipStore(reader, info.config, on_progress)
    inputs = ModelInputs(info.config, codec, device)
    pointer, text = _pointer_reader(run), _text_reader(run)
    return LoadedRun(info.config, model, codec, inputs, pointer, text, step, store, index.train, index.held_out)


def _pointer_reader(run: Path) -> PointerReader | None:
    path = run / "pointer.pt"
    if not path.is_file():
        return None
    reader = PointerReader()
    try:
        reader.load_state_dict(load_tensors(path))
    except RuntimeError:
        raise GoaltraceError(f"{path}: does not fit this release; train the run again") from None
    return reader.eval()


def _text_reader(run: Path) -> TextReader | None:
    path = run / "text.pt"
    try:
        return TextReader.from_state(load_tensors(path)) if path.is_file() else None
    except (KeyError, TypeError, ValueError):
        raise GoaltraceError(f"{path}: does not fit this release; train the run again") from None
