"""Named settings: from two CPU cores to several GPUs."""

from __future__ import annotations

from dataclasses import replace

from manifests.errors import GoaltraceError
from trainer.settings.config import (
    ActionsConfig,
    CodecConfig,
    Config,
    DataConfig,
    ModelConfig,
    SampleConfig,
    TrainConfig,
)

_GPU_DATA = DataConfig(width=512, height=384, crop_width=0, crop_height=0, workers=8, cache_mb=16_384, shuffle=8192)

PRESETS: dict[str, Config] = {
    # Learns on two CPU cores in about three minutes that the pointer follows the actions.
    "tiny": Config(train=TrainConfig(max_seconds=90)),
    # For one GPU of any size.
    "small": Config(
        data=replace(_GPU_DATA, window=8),
        codec=CodecConfig(channels=64, fit_frames=512),
        actions=ActionsConfig(head_width=24, key_width=96),
        model=ModelConfig(dim=512, layers=12, heads=8, ffn_dim=2048, text="bytes"),
        train=TrainConfig(
            steps=20_000,
            batch=16,
            micro=2,
            lr=3e-4,
            head_lr=3e-4,
            warmup=500,
            ema=0.999,
            save_seconds=300,
            head_steps=2000,
            reader_steps=2000,
        ),
        sample=SampleConfig(steps=6, context=4, frames=25),
    ),
    # A DiT of 120 M parameters, 6,912 tokens a window; one GPU.
    "base-120m": Config(
        data=replace(_GPU_DATA, window=9),
        codec=CodecConfig(channels=64, fit_frames=512),
        actions=ActionsConfig(head_width=24, key_width=96),
        model=ModelConfig(dim=768, layers=12, heads=12, ffn_dim=3072, text="bytes"),
        train=TrainConfig(
            steps=100_000,
            batch=32,
            micro=4,
            lr=2e-4,
            head_lr=2e-4,
            warmup=1000,
            ema=0.9995,
            save_seconds=600,
            compile=True,
            head_steps=2000,
            reader_steps=2000,
        ),
        sample=SampleConfig(steps=4, context=8, frames=25),
    ),
    # The shape of Wan2.1-T2V-1.3B, whose weights it starts from (model.init); 6,912 tokens a window.
    "wan-1.3b": Config(
        data=replace(_GPU_DATA, window=33, fps=15.0),
        codec=CodecConfig(name="wan", channels=16),
        actions=ActionsConfig(head_width=0, key_width=0),
        model=ModelConfig(
            dim=1536,
            layers=30,
            heads=12,
            ffn_dim=8960,
            predicts="velocity",
            text="supplied",
            text_dim=4096,
            text_tokens=512,
        ),
        train=TrainConfig(
            steps=20_000,
            batch=32,
            micro=4,
            lr=2e-5,
            action_rate=5.0,
            warmup=500,
            ema=0.9995,
            shift=5.0,
            save_seconds=900,
            compile=True,
            recompute=True,
            head_steps=0,
            reader_steps=2000,
        ),
        sample=SampleConfig(steps=4, still=0.0, context=8, frames=60),
    ),
}


def preset(name: str) -> Config:
    """A preset by name."""
    if name not in PRESETS:
        raise GoaltraceError(f"--preset {name}: unknown; one of: {', '.join(PRESETS)}")
    return PRESETS[name]
