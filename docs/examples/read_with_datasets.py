"""Clips with Hugging Face `datasets`, and one frame with what was done after it: read_with_datasets.py DATASET"""

import io
import sys
from pathlib import Path

import av
from datasets import Video, load_dataset

shards = [str(path) for path in sorted(Path(sys.argv[1]).glob("clips/*.parquet"))]
clips = load_dataset("parquet", data_files=shards, split="train", streaming=True)
clips = clips.cast_column("video", Video(decode=False))  # MP4 bytes; leave this out to decode with torchcodec
clip = next(iter(clips))

frame = len(clip["t1_ns"]) // 2
with av.open(io.BytesIO(clip["video"]["bytes"])) as video:
    # an unchanged screen is stored once: frame i is picture `picture[i]` of the video
    number = clip["picture"][frame]
    image = next(picture for n, picture in enumerate(video.decode(video=0)) if n == number).to_ndarray(format="rgb24")

print(f"{clip['clip_id']}: {clip['goal']}")
print(f"frame {frame} of {len(clip['t1_ns'])}: {image.shape[1]}x{image.shape[0]} px, mean {image.mean():.1f} of 255")
done = [action["kind"] for action in clip["actions"] if action["slot"] == frame]
print(f"between it and the next: {', '.join(done) or 'nothing'}")
