"""Figures told before a run starts are right: operations, parameters, memory."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from trainer.model.conditions import Conditions
from trainer.model.world import WorldModel
from trainer.objective import objective
from trainer.planning.cost import forward_flops, peak_flops, shapes, tokens_a_step, training_flops
from trainer.planning.memory import activations, estimate
from trainer.planning.plan import count_parameters
from trainer.settings import override
from trainer.settings.config import Config
from trainer.settings.presets import PRESETS, preset
from trainer.settings.variants import INJECTIONS, OBJECTIVES

SIZE = [
    "data.width=64", "data.height=48", "data.crop_width=0", "data.crop_height=0", "data.window=4", "train.batch=2",
    "codec.channels=24", "model.dim=48", "model.layers=2", "model.ffn_dim=96",
]  # fmt: skip
WIDE = [
    "data.width=128", "data.height=96", "codec.channels=48", "model.dim=256", "model.heads=4", "model.ffn_dim=1024",
]  # fmt: skip


def config(*settings: str) -> Config:
    return override(preset("tiny"), [*SIZE, *settings])


def inputs(config: Config, windows: int) -> tuple[torch.Tensor, Conditions]:
    """Random latents, and conditions of every kind."""
    data, cells = config.data, config.codec.patch
    slots, width, kind = config.actions.substeps, 182, torch.uint8
    if config.actions.encoding == "meta":
        slots, width, kind = 2, 24, torch.int16
    maps = torch.zeros(windows, data.window, data.height, data.width)
    maps[:, :, 10, 10] = 1
    text = None
    if config.model.text == "bytes":
        text = torch.zeros(windows, 4 * config.model.text_tokens, dtype=torch.uint8)
    elif config.model.text == "supplied":
        text = torch.zeros(windows, config.model.text_tokens, config.model.text_dim)
    actions = torch.zeros(windows, data.window, slots, width, dtype=kind)
    latents = torch.randn(
        windows, config.codec.channels, config.latent_window, data.height // cells, data.width // cells
    )
    return latents, Conditions(actions, maps, torch.ones(windows, data.window, 2), text)


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("model.text=bytes", "model.text_dim=32"),
        ("model.text=supplied", "data.texts=x", "model.window=2"),
        (
            "actions.inject=residual",
            "actions.cursor=coords",
            "actions.head_width=0",
            "actions.key_width=0",
            "model.predicts=velocity",
        ),
        (
            "actions.inject=contextual",
            "actions.cursor=coords",
            "actions.head_width=0",
            "actions.key_width=0",
            "actions.lag=2",
        ),
        ("actions.inject=external", "model.patch=1"),
        ("actions.inject=none", "actions.cursor=none", "actions.head_width=0", "actions.key_width=0"),
        *((f"actions.inject={name}",) for name in INJECTIONS),
        *((f"train.objective={name}",) for name in OBJECTIVES),
        ("actions.encoding=meta", "actions.cursor=reference", "actions.every=2"),
    ],
)
def test_operations_are_those_that_are_done(settings: tuple[str, ...]) -> None:
    """Counted by PyTorch over the real model; masked pairs are counted there, so here too."""
    case = config(*settings)
    model, (latents, conditions) = WorldModel(case), inputs(case, 1)
    history = torch.randn_like(latents) if case.model.predicts == "change" else None
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(latents, torch.rand(1, case.latent_window), conditions, history)
    told = forward_flops(case, case.data.width, case.data.height, dense=True)
    assert sum(told.values()) == counter.get_total_flops()


def test_a_causal_mask_counts_the_pairs_it_lets_through() -> None:
    case = config("data.window=4", "model.window=2")
    cells, frames, dim = case.tokens_per_frame, case.latent_window, case.model.dim
    told = forward_flops(case, case.data.width, case.data.height)
    assert told["attention"] == 4 * dim * case.model.layers * cells**2 * (1 + 2 * (frames - 1))


def test_a_step_is_three_passes_over_its_windows_crops_and_whole_pictures() -> None:
    case = preset("tiny")
    crop, whole = (sum(forward_flops(case, *size).values()) for size in ((128, 96), (320, 192)))
    assert training_flops(case) == pytest.approx(3 * (0.75 * 32 * crop + 0.25 * 6 * whole))
    assert tokens_a_step(case) == 0.75 * 32 * 3 * 48 + 0.25 * 6 * 3 * 240


def test_the_textbook_formula_holds_for_wan() -> None:
    """N (12 S D² + 4 S D F + 4 S² D + 4 L D² + 4 S L D) without actions and causality."""
    case = override(
        PRESETS["wan-1.3b"], ["codec.weights=x", "data.texts=x", "actions.inject=none", "actions.cursor=none"]
    )
    size, tokens, text = case.model, case.latent_window * case.tokens_per_frame, case.model.text_tokens
    told = forward_flops(case, case.data.width, case.data.height, dense=True)
    blocks = size.layers * (
        12 * tokens * size.dim**2 + 4 * tokens * size.dim * size.ffn_dim + 4 * tokens**2 * size.dim
        + 4 * text * size.dim**2 + 4 * tokens * text * size.dim
    )  # fmt: skip
    assert blocks < sum(told.values()) < 1.01 * blocks


def test_parameters_are_counted_without_making_them(small: Config) -> None:
    assert count_parameters(small) == WorldModel(small).parts()
    wan = override(PRESETS["wan-1.3b"], ["codec.weights=x", "data.texts=x"])
    assert 1.41e9 < count_parameters(wan)["dit"] < 1.43e9  # as many as Wan2.1-T2V-1.3B: 1,418,996,800


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("actions.inject=none", "actions.head_width=0", "actions.key_width=0", "model.text=bytes"),
        ("actions.inject=contextual", "data.window=6", "model.window=3"),
        *((f"actions.inject={name}",) for name in INJECTIONS),
        *((f"train.objective={name}",) for name in OBJECTIVES),
        ("train.recompute=true", "model.layers=4"),
        ("train.compile=true", "model.layers=4", "model.causal=false"),
    ],
)
def test_the_memory_told_for_activations_is_what_is_kept(settings: tuple[str, ...], precision: str) -> None:
    """Within a quarter of what PyTorch saves for the backward pass, for the same step on a CPU."""
    case, low = config(*WIDE, *settings), precision == "bf16"
    model, (latents, conditions) = WorldModel(case), inputs(case, 2)
    if case.train.recompute:
        for block in model.dit.blocks:
            setattr(block, "forward", partial(checkpoint, block.forward, use_reentrant=False))  # noqa: B010
    if case.train.compile:  # chooses what is kept as for a GPU, then runs without making code
        for block in model.dit.blocks:
            setattr(block, "forward", torch.compile(block.forward, backend="aot_eager_decomp_partition"))  # noqa: B010
    own = {value.untyped_storage().data_ptr() for value in [*model.parameters(), *model.buffers()]}
    kept: dict[int, torch.Tensor] = {}

    def pack(value: torch.Tensor) -> torch.Tensor:
        kept[value.untyped_storage().data_ptr()] = value  # held, so that no address is used twice
        return value

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value),
        torch.autocast("cpu", torch.bfloat16, enabled=low),
    ):
        objective(case).loss(model, latents, conditions, case, 0, [0, 1])
    found = sum(value.untyped_storage().nbytes() for place, value in kept.items() if place not in own)
    told, _ = activations(case, shapes(case)[0], low, dense_masks=True)
    if low:  # weights that autocast has turned into bf16 are kept as well; they are counted with the weights
        inside = ("dit.blocks.",) if case.train.recompute else ()
        exact = "dit.condition_embedder.time_"
        names = [name for name, _ in model.named_parameters() if not name.startswith((exact, *inside))]
        told += 2 * sum(model.get_parameter(name).numel() for name in names)
    assert 0.75 < told / found < 1.25


def test_memory_is_shared_by_ranks_and_saved_by_its_knobs() -> None:
    case, count = override(PRESETS["base-120m"], ["train.micro=0"]), 150_000_000
    alone, eight = estimate(case, count, low=True), estimate(case, count, low=True, world=8)
    assert alone.moments == 8 * count and eight.moments == count and eight.activations == alone.activations / 8
    for settings in (["train.recompute=true"], ["train.micro=4"], ["data.window=5", "sample.context=4"]):
        assert estimate(override(case, settings), count, low=True).total < 0.6 * alone.total


def test_peaks_are_known_by_the_names_that_cuda_gives() -> None:
    names = {
        "NVIDIA H100 80GB HBM3": 989.4, "NVIDIA H100 PCIe": 756.5, "NVIDIA H200": 989.4,
        "NVIDIA A100-SXM4-80GB": 311.9, "NVIDIA L40S": 362.1, "NVIDIA L4": 121.0, "NVIDIA GeForce RTX 4090": 165.2,
        "NVIDIA GH200 480GB": 989.4, "NVIDIA H200 NVL": 835.5, "NVIDIA A10G": 70.0, "NVIDIA RTX A6000": 154.8,
    }  # fmt: skip
    for name, tera in names.items():
        assert peak_flops(name) == tera * 1e12
    for other in ("Some Other Accelerator", "NVIDIA H20", "NVIDIA RTX A4000"):  # its name begins like an A40's
        assert peak_flops(other) is None
