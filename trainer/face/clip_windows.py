"""Windows of clips for a model of one's own: frames with the actions that led to each, as arrays."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from manifests.errors import GoaltraceError
from trainer.face.arguments import KINDS, Kind, require_known

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trainer.data.stretch import ClipStretch
    from trainer.data.windows import ClipStore

Split = Literal["train", "held_out", "all"]
SPLITS: tuple[Split, ...] = get_args(Split)


class ClipWindow(NamedTuple):
    """T frames one after the other; torch's default collate makes a batch of several."""

    frames: NDArray[np.uint8]
    """[T, height, width, 3] RGB, letterboxed."""
    actions: NDArray[np.uint8]
    """[T, substeps, 182]: what was done on the way to each frame, in order of time; named by `features`."""
    pointer: NDArray[np.float32]
    """[T, 2] px of the picture: where the actions put the pointer; NaN where there is none."""
    goal: str
    """What the actor was asked to do."""
    clip: str
    """The id of the clip that the last frame is in."""


class WindowDataset:
    """Every window of a data set, in the order of its clips: a map-style data set for `torch.utils.data.DataLoader`.

    Reading one raises `GoaltraceError` where its video cannot be decoded.
    """

    def __init__(
        self,
        store: ClipStore,
        stretches: list[ClipStretch],
        windows: NDArray[np.int64],
        frames: int,
        again: partial[Any],
    ) -> None:
        from trainer.actions import RAW_FEATURES

        self._store, self._stretches, self._windows, self._frames = store, stretches, windows, frames
        self._again = again
        self.features = RAW_FEATURES
        """Names of the 182 numbers of an action slot: "press:left", "key:a", ..."""

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, number: int) -> ClipWindow:
        which, start = self._windows[number].tolist()
        stretch, stop = self._stretches[which], start + self._frames
        events = self._store.events(stretch, start, stop)
        clip = stretch.clips[stretch.clips_of(start, stop)[1] - 1]
        pictures = self._store.frames(stretch, start, stop)
        return ClipWindow(pictures, events.actions, events.pointer, clip.goal, clip.id)  # type: ignore[arg-type]

    def __reduce__(self) -> tuple[partial[Any], tuple[()]]:
        """A worker process opens the data set itself."""
        return self._again, ()


def windows(
    dataset: str | Path,
    *,
    frames: int = 16,
    fps: float = 5.0,
    size: tuple[int, int] = (320, 192),
    substeps: int = 1,
    split: Split = "train",
    held_out: float = 0.15,
    idle_share: float = 1.0,
    kind: Kind | None = None,
    cache_mb: int = 512,
) -> WindowDataset:
    """The windows of a data set's usable clips, each frame with the actions that led to it.

    Args:
        dataset: a folder that pack or select made, hf://datasets/OWNER/NAME or the URL of an object store.
        frames: of a window.
        fps: frames a second, picked from the recording by its time stamps.
        size: (width, height) in px, into which recordings are letterboxed.
        substeps: action slots on the way to a frame.
        split: by session, as training splits: "train", "held_out" or "all".
        held_out: share of the sessions that is held out.
        idle_share: share kept of the windows in which nothing is done and nothing changes.
        kind: only clips of this kind.
        cache_mb: decoded frames kept in memory.

    Raises:
        GoaltraceError: an option or the data set cannot be used, or there is no window.
    """
    from trainer.data.index import load_index
    from trainer.data.source import open_dataset
    from trainer.data.stretch import join
    from trainer.data.windows import ClipStore, list_windows
    from trainer.settings.config import ActionsConfig, Config, DataConfig

    require_known("kind", kind, KINDS)
    require_known("split", split, SPLITS)
    width, height = size
    for name, value in (("frames", frames - 1), ("width", width), ("height", height), ("substeps", substeps)):
        if value < 1:
            raise GoaltraceError(f"--{name}: must be at least {2 if name == 'frames' else 1}")
    if not 0.01 <= fps <= 60:
        raise GoaltraceError(f"--fps {fps:g}: must be between 0.01 and 60")
    data = DataConfig(
        width=width, height=height, fps=fps, window=frames, crop_width=0, crop_height=0, held_out=held_out,
        idle_share=idle_share, cache_mb=cache_mb,
    )  # fmt: skip
    reader = open_dataset(dataset)
    index = load_index(reader, data, kind, [] if split == "all" else None)
    clips = index.held_out if split == "held_out" else index.train
    stretches = [run for run in join(clips, fps) if len(run) >= frames]
    store = ClipStore(reader, Config(data=data, actions=ActionsConfig(encoding="raw", substeps=substeps)))
    again = partial(
        windows, dataset, frames=frames, fps=fps, size=size, substeps=substeps, split=split, held_out=held_out,
        idle_share=idle_share, kind=kind, cache_mb=cache_mb,
    )  # fmt: skip
    return WindowDataset(store, stretches, list_windows(stretches, data), frames, again)
