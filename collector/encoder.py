"""Raw frames in, screen.mkv out: one ffmpeg process whose output packing can cut without re-encoding.

Every second starts a closed GOP, so that a clip is a copy of bytes. 4:4:4 because 4:2:0 smears coloured text.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal

from manifests.errors import GoaltraceError

PixelFormat = Literal["rgb24", "bgr0"]
_BYTES_PER_PIXEL: dict[PixelFormat, int] = {"rgb24": 3, "bgr0": 4}
_CLOSE_LIMIT_S = 60


class Encoder:
    """Encodes frames of one size at a constant rate into Matroska: H.264 yuv444p, crf 18, GOP of 1 s, BT.709.

    Used as a context manager: leaving it finishes the file, or, after an exception, stops ffmpeg.
    `path` is overwritten; give a temporary name and rename it when `close` has returned.
    """

    def __init__(self, path: Path, width: int, height: int, fps: float, pixel_format: PixelFormat = "rgb24") -> None:
        import ffmpeg

        self.path = path
        self.frames = 0
        self._size = width * height * _BYTES_PER_PIXEL[pixel_format]
        second = max(1, round(fps))
        command = (
            ffmpeg.input("pipe:", format="rawvideo", pix_fmt=pixel_format, s=f"{width}x{height}", framerate=fps)
            .output(
                str(path), format="matroska", vcodec="libx264", preset="veryfast", crf=18, bf=0, threads=2,
                vf="scale=in_range=pc:out_color_matrix=bt709:out_range=tv,format=yuv444p",
                color_primaries="bt709", color_trc="bt709", colorspace="bt709", color_range="tv",
                g=second, keyint_min=second, sc_threshold=0, flags="+cgop",
                flush_packets=1, cluster_time_limit=1000,
            )
            .global_args("-hide_banner", "-loglevel", "error", "-nostdin")
            .overwrite_output()
            .compile()
        )  # fmt: skip
        self._errors = tempfile.TemporaryFile()
        try:
            # A session of its own: Ctrl-C must reach us, who then finish the file, and not ffmpeg.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors, start_new_session=True
            )
        except FileNotFoundError:
            self._errors.close()
            raise GoaltraceError("ffmpeg: not found; install it (Debian, Ubuntu: apt install ffmpeg)") from None

    def write(self, frame: bytes | bytearray | memoryview) -> None:
        """Add a frame: height x width pixels, rows from the top, without padding.

        Raises `GoaltraceError` when ffmpeg has died (a full disk, for one), `ValueError` on a wrong size.
        """
        view = memoryview(frame)
        if view.nbytes != self._size:
            raise ValueError(f"a frame has {view.nbytes} bytes, not {self._size}")
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(view)
        except (BrokenPipeError, ValueError):
            raise self._failure() from None
        self.frames += 1

    def close(self) -> None:
        """Finish the file; raises `GoaltraceError` when ffmpeg could not."""
        if self._errors.closed:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            raise self._failure() from None
        try:
            code = self._process.wait(_CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.abandon()
            raise GoaltraceError(f"{self.path}: ffmpeg did not finish within {_CLOSE_LIMIT_S} s; try again") from None
        if code != 0 or self._said():
            raise self._failure()
        self._errors.close()

    def abandon(self) -> None:
        """Stop ffmpeg without finishing the file."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        self._errors.close()

    def __enter__(self) -> Encoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read(64_000).decode(errors="replace").strip()

    def _failure(self) -> GoaltraceError:
        if self._errors.closed:
            return GoaltraceError(f"{self.path}: the video was closed already")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        said = self._said()
        self.abandon()
        if "No space left" in said:
            return GoaltraceError(f"{self.path}: no space left on its disk; free some or choose another --out")
        reason = said.splitlines()[0][:200] if said else f"exit status {self._process.returncode}"
        return GoaltraceError(f"{self.path}: ffmpeg could not write the video ({reason})")
