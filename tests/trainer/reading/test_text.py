"""The text reader reads what stands there, whatever it says, and nothing that does not."""

from __future__ import annotations

import random
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from manifests.clip_io import ClipReader
from tests.trainer.reading.terminals import CELL, COLUMNS, LETTERS, ROWS, draw, glyph, terminal_clip, terminal_dataset
from trainer.codec.pixel import PixelCodec
from trainer.data.index import load_index
from trainer.data.windows import ClipStore
from trainer.reading.fitting import fit_text_reader
from trainer.reading.screens import (
    BLANK,
    CHARACTERS,
    OTHER,
    UNKNOWN,
    ScreenGrid,
    cell_size,
    cells_of,
    lines_of,
    screen_cells,
)
from trainer.reading.text import TextReader, averages
from trainer.settings import override
from trainer.settings.presets import preset

CONFIG = override(preset("tiny"), ["codec.name=pixel", "codec.channels=192", "actions.head_width=0"])
SIZE = (CONFIG.data.width, CONFIG.data.height)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return terminal_dataset(tmp_path_factory.mktemp("terminals") / "set")


@pytest.fixture(scope="module")
def reader(data: Path) -> TextReader:
    index = load_index(data, CONFIG.data)
    store = ClipStore(ClipReader(data), CONFIG)
    made = fit_text_reader(store, index.train, PixelCodec(8), torch.device("cpu"), CONFIG, 0, lambda: None)
    assert made is not None
    return made


def test_it_reads_held_out_screens_as_recorded_and_the_cursor_as_blank(data: Path, reader: TextReader) -> None:
    index = load_index(data, CONFIG.data)
    store = ClipStore(ClipReader(data), CONFIG)
    clip = index.held_out[0]
    grid = ScreenGrid.of(clip.row, SIZE)
    truth = screen_cells(store.reader, clip, grid)
    assert truth is not None and grid.cell == CELL and truth.shape[1:] == (ROWS, COLUMNS)
    read = reader.read(torch.from_numpy(store.get(clip).frames).float() / 255, grid)
    inked = truth > BLANK
    assert (read == truth)[inked].mean() > 0.99 and (read[~inked] != BLANK).mean() < 0.001


@pytest.mark.parametrize(("columns", "rows", "size"), [(80, 24, (256, 192)), (47, 11, (200, 160)), (32, 6, (256, 96))])
def test_it_reads_random_text_at_any_size_and_place(
    reader: TextReader, columns: int, rows: int, size: tuple[int, int]
) -> None:
    rng = random.Random(columns)
    text = "\n".join("".join(rng.choice(LETTERS) for _ in range(columns)) for _ in range(rows))
    row = {"width": columns * 8, "height": rows * 16, "cursor_x": [4], "cursor_y": [8]}
    grid = ScreenGrid.of(row, size)
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    whole = av.VideoFrame.from_ndarray(draw(text, None, columns, rows), format="rgb24")
    small = whole.reformat(grid.box.width, grid.box.height, interpolation="AREA").to_ndarray()
    picture[grid.box.top :, grid.box.left :][: grid.box.height, : grid.box.width] = small
    read = reader.read(torch.from_numpy(picture)[None].float() / 255, grid)[0]
    assert (read == cells_of(text, columns, rows)).mean() > 0.97


def test_no_sequence_is_learnt_and_no_unseen_character_is_read(reader: TextReader) -> None:
    grid = ScreenGrid.of({"width": COLUMNS * 8, "height": ROWS * 16, "cursor_x": [4], "cursor_y": [8]}, SIZE)
    assert not reader.seen[CHARACTERS.index("Q")]
    noise = torch.rand(2, SIZE[1], SIZE[0], 3, generator=torch.Generator().manual_seed(0))
    assert reader.seen[torch.from_numpy(reader.read(noise, grid)).flatten()].all()
    plain = torch.full((1, SIZE[1], SIZE[0], 3), 25 / 255)
    assert (reader.read(plain, grid) == BLANK).all()


def test_it_comes_back_from_its_tensors(reader: TextReader, tmp_path: Path) -> None:
    torch.save(reader.state(), tmp_path / "text.pt")
    again = TextReader.from_state(torch.load(tmp_path / "text.pt", weights_only=True))
    grid = ScreenGrid.of({"width": 256, "height": 96, "cursor_x": [4], "cursor_y": [8]}, SIZE)
    picture = torch.rand(1, SIZE[1], SIZE[0], 3, generator=torch.Generator().manual_seed(1))
    assert (again.read(picture, grid) == reader.read(picture, grid)).all()
    with pytest.raises(ValueError, match="within"):
        TextReader.from_state(reader.state() | {"within": torch.zeros(3)})
    with pytest.raises(KeyError):
        TextReader.from_state({"cell": torch.tensor([8, 16])})


def test_too_little_text_gives_no_reader(tmp_path: Path) -> None:
    data = terminal_dataset(tmp_path / "few", sessions=2, desktops=2)
    index = load_index(data, CONFIG.data)
    store = ClipStore(ClipReader(data), CONFIG)
    desktops = [clip for clip in index.train if clip.row["kind"] == "desktop"]
    assert fit_text_reader(store, desktops, PixelCodec(8), torch.device("cpu"), CONFIG, 0, lambda: None) is None
    none = override(CONFIG, ["train.reader_steps=0"])
    assert fit_text_reader(store, index.train, PixelCodec(8), torch.device("cpu"), none, 0, lambda: None) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90))
def test_px_are_averages_of_areas(before: int, after: int) -> None:
    weights = averages(before, after)
    assert weights.shape == (after, before) and torch.allclose(weights.sum(dim=1), torch.ones(after), atol=1e-5)
    line = np.random.default_rng(before).random(before).astype(np.float32)
    if after <= before:
        box = np.asarray(Image.fromarray(line[None]).resize((after, 1), Image.Resampling.BOX))[0]
        if before % after == 0:  # Pillow's box holds whole px only, so they agree where the ratio is whole
            assert np.allclose(weights.numpy() @ line, box, atol=1e-5)


def test_characters_become_cells_and_lines() -> None:
    cells = cells_of("ab c\n\né~\n中x", 5, 5)
    assert lines_of(cells) == ["ab c", "", "\ufffd~", None, ""]
    assert cells[2, 0] == OTHER and (cells[3] == UNKNOWN).all()
    assert cells_of("a中b", 5, 1)[0].tolist() == [CHARACTERS.index("a"), *[UNKNOWN] * 4]
    assert (cells_of("toolong", 3, 1) == UNKNOWN).all() and (cells_of("a\nb", 3, 1) == UNKNOWN).all()


def test_the_size_of_a_cell_is_told_by_where_the_cursor_was() -> None:
    row = {"width": 640, "height": 384, "cursor_x": [4, 76, -1], "cursor_y": [8, 24, -1]}
    assert cell_size(row) == (8, 16)
    assert cell_size(row | {"width": 800, "height": 480, "cursor_x": [5, 75, 105], "cursor_y": [10, 30]}) == (10, 20)
    assert cell_size(row | {"cursor_x": [], "cursor_y": []}) == (8, 16)


def test_the_factory_types_what_it_says() -> None:
    row = terminal_clip(3)
    assert row["screen_text"][-1].endswith("".join(a["char"] for a in row["actions"]).rstrip()[-3:])
    assert glyph("a").shape == (16, 8, 3) and (glyph("a") != glyph("a", inverse=True)).any()
