"""What is counted on generated frames: pointers that moved, characters that are new, characters that were typed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from manifests.clip_io import ClipReader
from tests.trainer.reading.terminals import terminal_dataset
from trainer.codec.pixel import PixelCodec
from trainer.data.index import load_index
from trainer.data.windows import ClipStore
from trainer.evaluation.measure import (
    Instruments,
    after_actions,
    cursor_counts,
    measure,
    pixels,
    text_counts,
    typed_cells,
    typed_keys,
)
from trainer.evaluation.scenes import Scene, cut_scene
from trainer.reading.fitting import fit_text_reader
from trainer.reading.pointer import PointerReader
from trainer.reading.screens import cells_of
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import preset


def screens(*texts: str) -> NDArray[np.int64]:
    return np.stack([cells_of(text, 8, 3) for text in texts])


def test_only_what_keys_put_there_is_typed() -> None:
    cells = screens("$", "$ l", "$ ls", "$ ls\nls ab\n$", "$ ls\nls ab\n$ x", "$ ls\nls ab\n$ y")
    keys: list[list[str]] = [[], ["l"], ["s"], [], [], ["x"]]
    born = typed_cells(cells, keys)
    assert born[1, 0, 2] == 1 and born[2, 0, 2:4].tolist() == [1, 2]
    assert (born[3, 1] == -1).all()  # what the command prints, although it is an l and an s
    assert born[5, 0, 2:4].tolist() == [1, 2]  # stands there still
    assert born[4, 2, 2] == -1  # an x that nobody had typed yet
    assert born[5, 2, 2] == -1  # typed x, shows y


def test_a_character_may_show_a_frame_late() -> None:
    born = typed_cells(screens("$", "$", "$ a"), [[], ["a"], []])
    assert born[2, 0, 2] == 2


def test_new_characters_are_those_since_the_last_given_frame() -> None:
    cells = screens("ab", "ab", "abc", "ab\nxy")
    read = screens("abc", "ab\nxz")
    counts = text_counts(read, cells, np.array([1, 1]), given=2)
    assert counts["text_cells"].tolist() == [[1, 1], [1, 2]]  # c; x and y, of which x; the c that went is blank
    later = text_counts(read, cells, np.array([1, 2]), given=2)
    assert later["text_cells"].tolist() == [[1, 1], [1, 2]]
    assert counts["text_lines"].tolist() == [[1, 1], [1, 2]] and counts["text_whole"][0, 0] == 1
    assert counts["text_chars"][0, 1] == pytest.approx(1 + 0.5)


@pytest.fixture(scope="module")
def config() -> Config:
    return override(preset("tiny"), ["codec.name=pixel", "codec.channels=192", "actions.head_width=0"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, config: Config) -> ClipStore:
    return ClipStore(ClipReader(terminal_dataset(tmp_path_factory.mktemp("t") / "set", desktops=2)), config)


@pytest.fixture(scope="module")
def terminal(store: ClipStore, config: Config) -> Scene:
    clips = load_index(store.reader.folder.path, config.data, "terminal").held_out
    return cut_scene(store, clips[0], 1, 2, 10)


@pytest.fixture(scope="module")
def desktop(store: ClipStore, config: Config) -> Scene:
    clips = load_index(store.reader.folder.path, config.data, "desktop").held_out
    return cut_scene(store, clips[0], 0, 2, 10)


@pytest.fixture(scope="module")
def tools(store: ClipStore, config: Config) -> Instruments:
    clips = load_index(store.reader.folder.path, config.data, "terminal").train
    text = fit_text_reader(store, clips, PixelCodec(8), torch.device("cpu"), config, 0, lambda: None)
    return Instruments(PointerReader().eval(), text)


def test_true_frames_score_all_and_a_repeated_frame_nothing(terminal: Scene, tools: Instruments) -> None:
    truth, since = pixels(terminal), np.full(10, 1)
    best = measure(terminal, truth, truth, since, tools)
    still = truth[1].expand_as(truth)
    worst = measure(terminal, still, still, since, tools)
    assert best["psnr"][0].sum() == 0 and best["ssim"][0].mean() == pytest.approx(1, abs=1e-5)
    for name in ("text_typed", "text_cells"):
        assert best[name][1].sum() > 20 and best[name][0].sum() == pytest.approx(best[name][1].sum(), rel=0.01)
        assert worst[name][0].sum() == 0 and (worst[name][1] == best[name][1]).all()
    assert best["changed_f1"][0].sum() == best["changed_f1"][1].sum() > 0 == worst["changed_f1"][0].sum()
    assert best["text_lines"][1].astype(bool).sum() == 5  # evenly spaced frames
    assert set(best) >= {"psnr_after", "ssim_after"} and "cursor_px" not in best


def test_what_was_typed_is_what_the_log_says(terminal: Scene) -> None:
    assert terminal.cells is not None
    keys = typed_keys(terminal)
    assert sum(map(len, keys)) >= 10 and keys[0] == []
    born = typed_cells(terminal.cells, keys)
    shown = [terminal.cells[k][born[k] == k] for k in range(len(keys))]
    assert sum(map(len, shown)) >= 10  # each of them a key of its frame or the one before, by typed_cells' own test


def test_every_frame_of_a_typist_follows_an_action(terminal: Scene) -> None:
    after = after_actions(terminal)
    assert not after[: terminal.given].any() and after[terminal.given + 1 :].all()


def test_pointers_count_only_where_they_have_moved(desktop: Scene) -> None:
    class Corner(PointerReader):
        """Finds every pointer in the upper left corner."""

        def locate(self, frames: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
            assert frames.shape == before.shape
            return torch.zeros(len(frames), 2)

    since = np.full(desktop.made, desktop.given - 1)
    counts = cursor_counts(desktop, pixels(desktop), pixels(desktop), since, Corner())
    away = np.linalg.norm(desktop.seen[desktop.given :] - desktop.seen[desktop.given - 1], axis=1)
    assert counts[1].tolist() == (away >= 4).astype(float).tolist() and counts[1].sum() > 0
    moved = counts[1] > 0
    assert counts[0][moved] == pytest.approx(np.linalg.norm(desktop.seen[desktop.given :], axis=1)[moved])
