"""Pictures as an MP4."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image


def write_mp4(path: Path, images: Iterable[Image.Image], fps: float) -> None:
    """H.264 that every player plays (4:2:0); an odd side loses a px. The images are taken one by one."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = None
        for image in images:
            width, height = (side - side % 2 for side in image.size)
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.options = {"crf": "16"}
            frame = av.VideoFrame.from_ndarray(np.asarray(image)[:height, :width].copy(), format="rgb24")
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())
