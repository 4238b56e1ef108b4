"""A drawn video is the one that the recorder's encoder would make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.video.encoder import Encoder
from collector.video.film import Film
from manifests.errors import GoaltraceError
from manifests.video import decode
from tests.collector.video.test_encoder import MS, colourful, packets


def packed(image: np.ndarray) -> np.ndarray:
    """uint8 RGB [height, width, 3] as uint32 0xXXRRGGBB."""
    r, g, b = (image[..., number].astype(np.uint32) for number in range(3))
    return (r << 16) | (g << 8) | b


def test_colours_survive_the_round_trip(tmp_path: Path) -> None:
    image = colourful()
    path = tmp_path / "screen.part"
    with Film(path, 256, 128, 15) as film:
        for number in range(31):
            film.show(packed(image), number * 66 * MS)
    frames = decode(path.read_bytes())
    assert frames.shape == (31, 128, 256, 3)
    assert np.abs(frames.astype(int) - image).mean() < 2


def test_what_differs_is_enough_to_show_a_picture(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    image = np.repeat(np.repeat(generator.integers(0, 2**24, (6, 8), dtype=np.uint32), 16, axis=0), 16, axis=1)
    boxes = [(0, 0, 128, 96), (16, 32, 48, 33), (0, 0, 0, 0), (127, 95, 1, 1)]
    with Film(tmp_path / "part.mkv", 128, 96, 15) as part, Film(tmp_path / "whole.mkv", 128, 96, 15) as whole:
        for number, (left, top, width, height) in enumerate(boxes):
            image[top : top + height, left : left + width] = 0x2040F0 >> number
            part.show(image, number * 66 * MS, (left, top, width, height))
            whole.show(image, number * 66 * MS)
    a, b = (decode((tmp_path / name).read_bytes()) for name in ("part.mkv", "whole.mkv"))
    assert np.array_equal(a, b)


@given(st.lists(st.integers(1, 1800), min_size=1, max_size=40), st.integers(0, 10_000_000))
@settings(max_examples=20, deadline=None)
def test_pictures_keep_their_times_and_gops_begin_when_due(steps: list[int], start: int) -> None:
    import tempfile

    wanted = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "a.mkv"
        with Film(path, 64, 48, 15) as film:
            t_ms = start
            for number, step in enumerate(steps):
                wanted.append((t_ms, film.key_due(t_ms * MS)))
                assert film.show(np.full((48, 64), number, np.uint32), t_ms * MS) == number
                t_ms += step
        assert packets(path) == wanted


@pytest.mark.needs("ffmpeg")
def test_it_is_as_good_and_as_large_as_the_recorders(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    images = np.repeat(np.repeat(generator.integers(0, 255, (30, 12, 16, 3), dtype=np.uint8), 8, axis=1), 8, axis=2)
    with Encoder(tmp_path / "a.mkv", 128, 96) as encoder, Film(tmp_path / "b.mkv", 128, 96, 15) as film:
        for number, image in enumerate(images):
            encoder.show(image.tobytes(), round(number * 1e9 / 15))
            film.show(packed(image), round(number * 1e9 / 15))
    a, b = ((tmp_path / name).read_bytes() for name in ("a.mkv", "b.mkv"))
    assert len(b) == pytest.approx(len(a), rel=0.08)
    errors = [np.abs(decode(data).astype(int) - images).mean() for data in (a, b)]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_a_full_disk_is_one_clear_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    generator = np.random.default_rng(0)
    with pytest.raises(GoaltraceError, match="no space left"), Film(full, 64, 48, 15) as film:
        for number in range(300):
            film.show(generator.integers(0, 2**24, (48, 64), dtype=np.uint32), number * 66 * MS)


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(GoaltraceError, match="cannot be written"), Film(tmp_path / "no" / "a.mkv", 64, 48, 15) as film:
        film.show(np.zeros((48, 64), np.uint32), 0)


def test_an_error_inside_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Film(tmp_path / "a.mkv", 64, 48, 15):
        raise KeyError
