"""The encoder: colours and times survive, it can be cut about every second, and a failure is one clear line."""

from __future__ import annotations

import itertools
import math
import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collector.video.encoder import Encoder
from manifests.errors import GoaltraceError
from manifests.video import decode
from tests.waiting import comes

pytestmark = pytest.mark.needs("ffmpeg")
MS = 1_000_000


def colourful() -> NDArray[np.uint8]:
    """Ramps, flat primaries and thin coloured strokes on black: what 4:2:0 and a wrong matrix would ruin."""
    image = np.full((128, 256, 3), 20, dtype=np.uint8)
    ramp = np.arange(256, dtype=np.uint8)
    image[:16] = np.stack([ramp, ramp[::-1], np.full(256, 128, np.uint8)], axis=-1)
    primaries = [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0), (0, 255, 255), (255, 0, 255), (255, 255, 255)]
    for number, colour in enumerate(primaries):
        image[24:60, 8 + 34 * number : 36 + 34 * number] = colour
        image[68:120:3, 8 + 34 * number : 36 + 34 * number : 2] = colour
    return image


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr0"])
def test_colours_survive_the_round_trip(tmp_path: Path, pixel_format: str) -> None:
    image = colourful()
    stored = image if pixel_format == "rgb24" else np.dstack([image[..., ::-1], np.zeros((128, 256), np.uint8)]).copy()
    path = tmp_path / "screen.part"
    with Encoder(path, 256, 128, pixel_format) as encoder:  # type: ignore[arg-type]
        for number in range(31):
            encoder.show(stored.data, number * 66 * MS)
    frames = decode(path.read_bytes())
    assert frames.shape == (31, 128, 256, 3)
    error = np.abs(frames.astype(int) - image)
    assert error.mean() < 2
    for number, colour in enumerate([(255, 0, 0), (0, 0, 255)]):
        flat = frames[15, 30:54, 12 + 34 * number : 32 + 34 * number].astype(int)
        assert np.abs(flat - colour).max() <= 6


def packets(path: Path) -> list[tuple[int, bool]]:
    """(ms, begins a GOP) of every picture; checks that pictures come in the order shown, in 4:4:4 and BT.709."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        found = [packet for packet in container.demux(stream) if packet.size]
        context = stream.codec_context
        assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv444p", 1, 1)
        times = [packet.pts for packet in found]
        assert times == sorted(times), "no B-frames"
        return [(round(packet.pts * packet.time_base * 1000), bool(packet.is_keyframe)) for packet in found]


@given(
    steps=st.lists(st.tuples(st.integers(1, 1800), st.booleans()), min_size=1, max_size=60),
    start=st.integers(0, 10_000_000),
)
@settings(max_examples=15, deadline=None)
def test_pictures_keep_their_times_and_gops_begin_when_due(steps: list[tuple[int, bool]], start: int) -> None:
    """Whatever the rhythm: what is shown is the picture that `show` named, and a GOP begins when it said so."""
    wanted: list[tuple[int, bool]] = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "a.mkv"
        with Encoder(path, 64, 48) as encoder:
            t_ms = start
            for number, (step, changed) in enumerate(steps):
                due = encoder.key_due(t_ms * MS)
                image = np.full((48, 64, 3), number, np.uint8)
                picture = encoder.show(image.data, t_ms * MS, changed)
                if picture == len(wanted):
                    wanted.append((t_ms, due))
                assert picture == len(wanted) - 1
                t_ms += step
        assert packets(path) == wanted
        gops = [ms for ms, key in wanted if key]
        assert all(b - a >= 1000 for a, b in itertools.pairwise(gops))


def test_an_unchanged_screen_costs_two_pictures_a_second(tmp_path: Path) -> None:
    image = bytes(64 * 48 * 3)
    with Encoder(tmp_path / "a.mkv", 64, 48) as encoder:
        shown = [encoder.show(image, round(number * 1e9 / 15), number == 0) for number in range(151)]
    assert shown == sorted(shown)
    assert len(packets(tmp_path / "a.mkv")) == shown[-1] + 1 <= 22


def test_what_was_shown_a_second_ago_is_readable_when_ffmpeg_is_killed(tmp_path: Path) -> None:
    """kill -9, no farewell: whatever is on disk then ends less than a second before."""
    path = tmp_path / "a.mkv"
    image = np.zeros((48, 64, 3), np.uint8)
    ticks = [round(tick * 1e9 / 15) for tick in range(52)]

    def on_disk() -> float:
        with suppress(OSError, ValueError, IndexError):  # it has hardly begun
            return packets(path)[-1][0]
        return -math.inf

    with pytest.raises(GoaltraceError), Encoder(path, 64, 48) as encoder:
        for tick, t_ns in enumerate(ticks):
            encoder.show(image.data, t_ns, tick in (0, 20))  # an idle screen is the hard case: few pictures
        comes(lambda: on_disk() > ticks[-1] / MS - 1000)  # what it holds back it holds back for ever
        os.kill(encoder.pid, signal.SIGKILL)
        for tick in range(10**6):
            encoder.show(image.data, ticks[-1] + tick * MS)
    assert on_disk() > ticks[-1] / MS - 1000


def test_a_frame_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bytes"), Encoder(tmp_path / "a.mkv", 64, 48) as encoder:
        encoder.show(bytes(64 * 48), 0)


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with (
        pytest.raises(GoaltraceError, match="No such file") as caught,
        Encoder(tmp_path / "no" / "a.mkv", 64, 48) as encoder,
    ):
        for number in range(100):
            encoder.show(bytes(64 * 48 * 3), number * 66 * MS)
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_clear_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(GoaltraceError, match="no space left"), Encoder(full, 64, 48) as encoder:
        generator = np.random.default_rng(0)
        for number in range(300):
            encoder.show(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8).data, number * 66 * MS)


def test_a_missing_ffmpeg_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GoaltraceError, match="install"):
        Encoder(tmp_path / "a.mkv", 64, 48)


def test_quality_does_not_depend_on_how_times_are_counted(tmp_path: Path) -> None:
    """The same pictures as ffmpeg encodes at a constant rate, within a few per cent of the bytes."""
    import subprocess

    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 255, (30, 96, 128, 3), dtype=np.uint8)
    pictures = np.repeat(np.repeat(pictures[:, ::8, ::8], 8, axis=1), 8, axis=2)
    with Encoder(tmp_path / "ours.mkv", 128, 96) as encoder:
        for number, picture in enumerate(pictures):
            encoder.show(picture.tobytes(), round(number * 1e9 / 15))
    command = (
        "ffmpeg -v error -f rawvideo -pix_fmt rgb24 -s 128x96 -r 15 -i - -c:v libx264 -preset veryfast -tune "
        "zerolatency -crf 18 -pix_fmt yuv444p -g 15 -threads 1"
    )
    plain = tmp_path / "plain.mkv"
    subprocess.run([*command.split(), str(plain)], input=pictures.tobytes(), check=True)
    assert (tmp_path / "ours.mkv").stat().st_size == pytest.approx(plain.stat().st_size, rel=0.08)
