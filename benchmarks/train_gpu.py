"""What the trainer makes of one GPU: is the fast path right, how fast are training and roll-outs, beside the roofline.

    python benchmarks/train_gpu.py [--json FILE] [--only correct,train,rollout,attention] [--seconds 480]

Synthetic latents and actions, random weights, no data set and no network. What matters most comes first; a part that
fails or takes too long is reported as such and the next one begins. On a CPU (--device cpu) it runs the same steps at
toy size, to prove that the script works; such figures mean nothing.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.gpu_parts import case, correct, forget, kernels, rollout, roofline, tokens, train
from manifests.files import write_json
from trainer.planning.memory import size

GOALS = {"base-120m": 0.35, "wan-1.3b": 0.40}
ROLLOUT_GOAL = 15.0
LONGEST = 150.0  # s that one part may take; the first to compile something takes most
PARTS = {"correct": correct, "train": train, "rollout": rollout, "attention": kernels}
JOBS = [  # part, preset, window, causal; what matters most first
    ("attention", "base-120m", 9, True), ("correct", "base-120m", 9, True),
    ("train", "base-120m", 9, True), ("train", "wan-1.3b", 33, True),
    ("rollout", "base-120m", 9, True), ("rollout", "wan-1.3b", 33, True), ("train", "base-120m", 9, False),
    ("train", "wan-1.3b", 33, False), ("attention", "base-120m", 9, False),
    ("attention", "wan-1.3b", 33, True), ("attention", "wan-1.3b", 33, False), ("train", "wan-1.3b", 81, True),
    ("train", "wan-1.3b", 81, False), ("correct", "base-120m", 9, False),
]  # fmt: skip


@contextmanager
def at_most(limit: float) -> Iterator[None]:
    """TimeoutError in whatever takes longer."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"not done after {limit:.0f} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(limit, 1), 5)  # again, should something catch the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def line(part: str, figures: dict[str, Any]) -> str:
    """A part's figures in words."""
    if "out_of_memory" in figures:
        return f"out of memory ({figures['out_of_memory']})"
    if "failed" in figures:
        return f"FAILED: {figures['failed']}"
    verdict = ": right" if figures.get("right") else ": WRONG"
    if part == "correct":
        names = ("loss_fp32", "loss_bf16", "loss_off_by", "gradient_off_by")
        return ", ".join(f"{name} {figures[name]:.5g}" for name in names) + verdict
    if part == "train":
        mfu = "MFU unknown" if figures["mfu"] is None else f"MFU {figures['mfu']:.1%} (goal {figures['goal']:.0%})"
        memory = "" if figures["memory"] is None else f", {size(figures['memory'])}"
        return (
            f"{figures['batch']} windows by {figures['micro']}{', recomputed' if figures['recompute'] else ''}: "
            f"{figures['tokens_per_s']:,.0f} tokens/s, {mfu}, {figures['of_matmul']:.1%} of a matrix product{memory} "
            f"(estimate {size(figures['estimate'])}), first step {figures['first_step_s']:.0f} s"
        )
    if part == "rollout":
        return (
            f"{figures['size'][0]}x{figures['size'][1]}, {figures['euler_steps']} steps a frame: "
            f"{figures['frames_per_s']:.1f} frames/s (goal {figures['goal']:.0f}; roofline "
            f"{figures['roofline_frames_per_s']:.0f}; not quickened {figures['plain_frames_per_s']:.1f})"
        )
    reached = f"{figures['forward_flops'] / 1e12:.0f} TFLOP/s forward, {figures['backward_flops'] / 1e12:.0f} backward"
    return f"{reached}, off by {figures['off_by']:.5f}{verdict}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure, after every part")
    parser.add_argument("--only", default=",".join(PARTS), help="some of: %(default)s")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=480, help="have ended by then (default %(default)s)")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no CUDA device is usable here; --device cpu runs the script at toy size")
    device, started, good = torch.device(args.device), time.monotonic(), True
    torch.set_float32_matmul_precision("high")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "CPU"
    bench = roofline(device, args.device == "cpu")
    report: dict[str, Any] = {
        "device": name, "torch": torch.__version__, "matmul_flops": bench.matmul_flops,
        "copy_bytes": bench.copy_bytes, "parts": [],
    }  # fmt: skip
    print(f"{name}, torch {torch.__version__}: matrix product {bench.matmul_flops / 1e12:.0f} TFLOP/s, "
          f"copy {bench.copy_bytes / 1e9:.0f} GB/s", flush=True)  # fmt: skip
    for part, preset_name, window, causal in JOBS:
        if part not in args.only.split(","):
            continue
        begun = time.monotonic()
        left = args.seconds - (begun - started)
        config = case(preset_name, window, causal, bench.toy)
        figures: dict[str, Any] = {
            "part": part, "case": preset_name, "tokens": tokens(config), "mask": "causal" if causal else "dense",
            "goal": {"train": GOALS[preset_name], "rollout": ROLLOUT_GOAL}.get(part),
        }  # fmt: skip
        try:
            if left < 5:
                raise TimeoutError(f"left out, {args.seconds:.0f} s are over")
            with at_most(min(left, LONGEST)):
                figures |= PARTS[part](config, bench)
        except torch.OutOfMemoryError as error:
            figures["out_of_memory"] = str(error)[:200]
        except Exception as error:  # one part less; the others still give figures
            figures["failed"] = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        figures["took_s"] = time.monotonic() - begun
        forget(bench)
        good = good and "failed" not in figures and figures.get("right", True)
        report["parts"].append(figures)
        where = f"{part:<9} {preset_name} {figures['tokens']:,} tokens {figures['mask']}"
        print(f"{where}: {line(part, figures)} [{figures['took_s']:.0f} s]", flush=True)
        if args.json:
            write_json(args.json, report)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
