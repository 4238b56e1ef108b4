"""Decoding parts of a clip gives what decoding it whole gives."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from manifests.errors import GoaltraceError
from manifests.video import decode, pictures_at
from tests.factories import make_clip


def with_b_frames(count: int) -> tuple[bytes, list[int]]:
    """A video whose pictures are not stored in the order they are shown, and their times, 1/90000 s."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=15, options={"bf": "3", "g": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * number, np.uint8), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue(), [6000 * number for number in range(count)]


@pytest.mark.parametrize("places", [[0], [19], [3, 17], [7, 8], range(20)])
def test_pictures_that_are_stored_out_of_order_are_found(places: list[int]) -> None:
    video, times = with_b_frames(20)
    every = decode(video, (32, 24))
    found = pictures_at(video, {times[place] for place in places}, (32, 24))
    assert found.keys() == {times[place] for place in places}
    assert all((found[times[place]] == every[place]).all() for place in places)


def test_a_time_without_a_picture_is_named() -> None:
    video, _ = with_b_frames(20)
    with pytest.raises(GoaltraceError, match="no picture at 6001/90000 s; pack its session again"):
        pictures_at(video, {6000, 6001, 12000})


@pytest.mark.parametrize("size", [(256, 192), (128, 96), (85, 63), (64, 24), (7, 5), (320, 240)])
def test_scaled_pictures_are_those_of_packed_rgb(size: tuple[int, int]) -> None:
    video = make_clip("scripted", 0, frames=12)["video"]["bytes"]
    with av.open(io.BytesIO(video)) as container:
        frames = list(container.decode(video=0))
    assert frames[0].format.name == "yuv444p"
    wide, high = size
    packed = [frame.to_ndarray(format="rgb24", width=wide, height=high, interpolation="AREA") for frame in frames]
    assert (decode(video, size) == np.stack(packed)).all()
