"""The encoder: colours survive, every second can be cut, and a failure is one clear line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from collector.encoder import Encoder
from manifests.errors import GoaltraceError
from manifests.video import decode

pytestmark = pytest.mark.needs("ffmpeg")


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
    with Encoder(path, 256, 128, 15, pixel_format) as encoder:  # type: ignore[arg-type]
        for _ in range(31):
            encoder.write(stored.data)
    frames = decode(path.read_bytes())
    assert frames.shape == (31, 128, 256, 3)
    error = np.abs(frames.astype(int) - image)
    assert error.mean() < 2
    for number, colour in enumerate([(255, 0, 0), (0, 0, 255)]):
        flat = frames[15, 30:54, 12 + 34 * number : 32 + 34 * number].astype(int)
        assert np.abs(flat - colour).max() <= 6


def test_every_second_starts_a_closed_gop(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mkv"
    generator = np.random.default_rng(0)
    with Encoder(path, 64, 48, 10) as encoder:
        for _ in range(35):
            encoder.write(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8).data)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == [0, 10, 20, 30]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets], "no B-frames"
        context = stream.codec_context
        assert (context.pix_fmt, context.colorspace, context.color_range) == ("yuv444p", 1, 1)


def test_a_frame_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bytes"), Encoder(tmp_path / "a.mkv", 64, 48, 10) as encoder:
        encoder.write(bytes(64 * 48))


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with (
        pytest.raises(GoaltraceError, match="No such file") as caught,
        Encoder(tmp_path / "no" / "a.mkv", 64, 48, 10) as encoder,
    ):
        for _ in range(100):
            encoder.write(bytes(64 * 48 * 3))
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_clear_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(GoaltraceError, match="no space left"), Encoder(full, 64, 48, 10) as encoder:
        generator = np.random.default_rng(0)
        for _ in range(300):
            encoder.write(generator.integers(0, 255, (48, 64, 3), dtype=np.uint8).data)


def test_a_missing_ffmpeg_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GoaltraceError, match="install"):
        Encoder(tmp_path / "a.mkv", 64, 48, 10)
