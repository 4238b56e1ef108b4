"""Pictures in, screen.mkv out: one ffmpeg process whose output packing can cut without re-encoding.

A picture is encoded only when the screen changed, so an idle screen costs next to nothing. A closed GOP starts
about every second, so that a clip is a copy of bytes; a picture leaves at least every half second and without
look-ahead, so that a recorder that is killed loses less than a second. 4:4:4 because 4:2:0 smears coloured text.
"""

from __future__ import annotations

import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from collector.video.raw_matroska import BYTES_PER_PIXEL, PixelFormat, before_picture, header
from manifests.errors import GoaltraceError

GOP_MS = 1000
_IDLE_MS = 500
_CLOSE_LIMIT_S = 60
_PIPE_BYTES = 2**20
X264: dict[str, Any] = {
    "vcodec": "libx264", "preset": "veryfast", "tune": "zerolatency", "crf": 18, "bf": 0, "sc_threshold": 0,
    "vf": "scale=in_range=pc:out_color_matrix=bt709:out_range=tv,format=yuv444p",
    "color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709", "color_range": "tv", "flags": "+cgop",
}  # fmt: skip
"""How pictures are encoded: H.264 yuv444p, crf 18, BT.709."""


class Encoder:
    """Encodes pictures of one size into Matroska, each with the time (ms) from which it is shown.

    Used as a context manager: leaving it finishes the file, or, after an exception, stops ffmpeg.
    `path` is overwritten; give a temporary name and rename it when `close` has returned.
    """

    def __init__(
        self, path: Path, width: int, height: int, pixel_format: PixelFormat = "rgb24", fps: float = 15.0
    ) -> None:
        import ffmpeg

        self.path = path
        self.pictures = 0
        self._size = width * height * BYTES_PER_PIXEL[pixel_format]
        self._last_ms = self._key_ms = -GOP_MS
        # a thread more for each 2 million pixels: one keeps up with 15 of them a second
        threads = min(4, 1 + width * height // 2_000_000)
        # crf spends bits by how long a picture is shown: without the nominal rate x264 would take 1 ms for it
        rate = Fraction(fps).limit_denominator(1001)
        # ffmpeg forces a key frame by the rule that `key_due` mirrors
        due = f"expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+{(GOP_MS - 0.5) / 1000}))"
        command = (
            ffmpeg.input("pipe:", format="matroska", probesize=32, analyzeduration=0)
            .output(
                str(path), format="matroska", fps_mode="passthrough", enc_time_base="1:1000", force_key_frames=due,
                g=10_000, threads=threads, flush_packets=1, cluster_time_limit=400, **X264,
                **{"x264-params": f"fps={rate.numerator}/{rate.denominator}"},
            )
            .global_args("-hide_banner", "-loglevel", "error", "-nostdin", "-copyts")
            .overwrite_output()
            .compile()
        )  # fmt: skip
        self._errors = tempfile.TemporaryFile()
        try:
            # A session of its own: Ctrl-C must reach us, who then finish the file, and not ffmpeg.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._errors,
                start_new_session=True, pipesize=_PIPE_BYTES,
            )  # fmt: skip
        except FileNotFoundError:
            self._errors.close()
            raise GoaltraceError("ffmpeg: not found; install it (Debian, Ubuntu: apt install ffmpeg)") from None
        self._write(header(width, height, pixel_format))

    @property
    def pid(self) -> int:
        """ffmpeg's process id."""
        return self._process.pid

    def key_due(self, t_ns: int) -> bool:
        """True if a picture at `t_ns` would begin a GOP."""
        return self._milliseconds(t_ns) - self._key_ms >= GOP_MS

    def show(self, pixels: bytes | bytearray | memoryview, t_ns: int, changed: bool = True) -> int:
        """What the screen shows at `t_ns`: height x width pixels, rows from the top, without padding.

        Returns the index of the picture that shows it: a new one if `changed`, or one is due; else the last one.
        Raises `GoaltraceError` when ffmpeg has died (a full disk, for one), `ValueError` on a wrong size.
        """
        view = memoryview(pixels).cast("B")
        if view.nbytes != self._size:
            raise ValueError(f"a picture has {view.nbytes} bytes, not {self._size}")
        t_ms = self._milliseconds(t_ns)
        key = t_ms - self._key_ms >= GOP_MS
        if not (changed or key or t_ms - self._last_ms >= _IDLE_MS):
            return self.pictures - 1
        self._write(before_picture(t_ms, self._size))
        self._write(view)
        self._last_ms = t_ms
        if key:
            self._key_ms = t_ms
        self.pictures += 1
        return self.pictures - 1

    def _milliseconds(self, t_ns: int) -> int:
        return max(round(t_ns / 1e6), self._last_ms + 1)

    def _write(self, data: bytes | memoryview) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._failure() from None

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
        if code != 0 or self._error_output():
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

    def _error_output(self) -> str:
        self._errors.seek(0)
        return self._errors.read(64_000).decode(errors="replace").strip()

    def _failure(self) -> GoaltraceError:
        if self._errors.closed:
            return GoaltraceError(f"{self.path}: the video was closed already")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        errors = self._error_output()
        self.abandon()
        if "No space left" in errors:
            return GoaltraceError(f"{self.path}: no space left on its disk; free some or choose another --out")
        reason = errors.splitlines()[0][:200] if errors else f"exit status {self._process.returncode}"
        return GoaltraceError(f"{self.path}: ffmpeg could not write the video ({reason})")
