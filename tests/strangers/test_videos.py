"""A video is Matroska or MP4 with a codec that was foreseen and pictures of bounded size, or it is not opened."""

from __future__ import annotations

import io
import resource
import time
from pathlib import Path

import av
import numpy as np
import pytest

from collector.importers.video import copy_video, video_facts
from collector.sessions.pictures import read_pictures
from collector.view.remux import own_times
from manifests.errors import GoaltraceError
from manifests.video import decode, pictures_at
from manifests.videofile import MAX_PX, NotAllowed, opened_video, picture_fits, require_reach
from tests.collector.session_folders import make_session
from tests.strangers.files import run

SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"


def texts(other: Path) -> dict[str, str]:
    """Texts that FFmpeg would take for a video."""
    return {
        "ffconcat": f"ffconcat version 1.0\nfile {other}\n",
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
        "sdp": SDP,
        "empty": "",
    }


@pytest.mark.parametrize("kind", ["ffconcat", "hls", "sdp", "empty"])
def test_a_text_that_names_another_file_is_never_a_video(tmp_path: Path, kind: str) -> None:
    other = make_session(tmp_path / "other").screen
    folder = make_session(tmp_path / "s")
    folder.screen.write_text(texts(other)[kind])
    began = time.monotonic()
    assert run("pack", folder.path, "--out", tmp_path / "set") == 2
    assert own_times(folder.screen) == []
    with pytest.raises(GoaltraceError, match="neither Matroska nor MP4"):
        read_pictures(folder.screen)
    for look in (video_facts, lambda path: copy_video(path, tmp_path / "out.mkv")):
        with pytest.raises(GoaltraceError, match="neither Matroska nor MP4"):
            look(folder.screen)
    with pytest.raises(GoaltraceError, match="neither Matroska nor MP4"):
        decode(folder.screen.read_bytes())
    with pytest.raises(GoaltraceError, match="neither Matroska nor MP4"):
        pictures_at(folder.screen.read_bytes(), [0])
    assert time.monotonic() - began < 10


def encoded(codec: str, side: int, container: str = "matroska", pixels: str = "yuv420p", count: int = 2) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=15)
        stream.width = stream.height = side
        stream.pix_fmt = pixels
        for _ in range(count):
            picture = av.VideoFrame.from_ndarray(np.zeros((side, side, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(picture.reformat(format=pixels)))
        out.mux(stream.encode())
    return buffer.getvalue()


def test_a_codec_that_was_not_foreseen_is_not_opened(tmp_path: Path) -> None:
    for codec, allowed in (("ffv1", False), ("mpeg4", True)):
        path = tmp_path / f"{codec}.mkv"
        path.write_bytes(encoded(codec, 64))
        with pytest.raises(GoaltraceError, match=r"codec is|no decoder"):
            read_pictures(path)
        if allowed:
            assert video_facts(path).width == 64
        else:
            with pytest.raises(GoaltraceError, match=r"codec is|no decoder"):
                video_facts(path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of 8,000 x 8,000 px: a few kB, and hundreds of MB once they are decoded."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    path.write_bytes(encoded("mpeg4", 8000, container="mp4"))
    return path


def test_pictures_of_absurd_size_are_not_decoded(large: Path) -> None:
    assert picture_fits(7680, 4320) and not picture_fits(12_000, 12_000) and not picture_fits(8192, 8192)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(GoaltraceError, match=r"8000x8000 px|not a video"):
        video_facts(large)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB
    with pytest.raises(NotAllowed, match="pictures or more"):
        require_reach(100_000, av.VideoFrame(4096, 4096, "gray"), 1_000_000)


def test_a_clip_may_not_say_another_size_in_its_midst() -> None:
    with opened_video(encoded("libx264", 64, container="mp4", pixels="yuv444p")) as (_, stream):
        assert stream.codec_context.options["max_pixels"] == str(MAX_PX)
