"""Guarantees of the base: equal to diffusers' Wan2.1 at a noise level per frame; its weights load strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from manifests.errors import GoaltraceError
from trainer.model.attention import FrameMask
from trainer.model.dit import DiT
from trainer.model.rope import rotary
from trainer.model.wan import diffusers_name, load_wan

LAYERS = 2


def ours(layers: int = LAYERS) -> DiT:
    torch.manual_seed(1)
    return DiT(4, 48, 2, 96, 2, 24, [None] * layers).eval()


@pytest.fixture(scope="module")
def theirs() -> Any:
    from diffusers import WanTransformer3DModel

    torch.manual_seed(0)
    model = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=24, in_channels=4, out_channels=4, text_dim=24,
        freq_dim=256, ffn_dim=96, num_layers=LAYERS, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
    ).eval()  # fmt: skip
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)
    return model


def original_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The names of the authors' release, written out by hand for a model of this size."""
    pairs = [
        ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
        ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
        ("condition_embedder.time_proj", "time_projection.1"),
        ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
        ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
        ("attn1.to_out.0", "self_attn.o"), ("attn2.to_out.0", "cross_attn.o"),
        ("attn1.to_q", "self_attn.q"), ("attn1.to_k", "self_attn.k"), ("attn1.to_v", "self_attn.v"),
        ("attn2.to_q", "cross_attn.q"), ("attn2.to_k", "cross_attn.k"), ("attn2.to_v", "cross_attn.v"),
        ("attn1.norm", "self_attn.norm"), ("attn2.norm", "cross_attn.norm"),
        ("norm2", "norm3"), ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2"), ("proj_out", "head.head"),
    ]  # fmt: skip
    renamed = {}
    for name, tensor in state.items():
        new = "head.modulation" if name == "scale_shift_table" else name.replace("scale_shift_table", "modulation")
        for diffusers, original in pairs:
            new = new.replace(diffusers, original)
        renamed[new] = tensor.contiguous()
    return renamed


@pytest.mark.parametrize("naming", ["diffusers", "original", "shards"])
def test_wan_weights_load_strictly_and_give_the_same_velocity(theirs: Any, tmp_path: Path, naming: str) -> None:
    state = {name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}
    if naming == "shards":
        names = sorted(state)
        save_file({name: state[name] for name in names[::2]}, tmp_path / "model-1.safetensors")
        save_file({name: state[name] for name in names[1::2]}, tmp_path / "model-2.safetensors")
    else:
        save_file(original_names(state) if naming == "original" else state, tmp_path / "model.safetensors")
    model = ours()
    load_wan(model, tmp_path if naming == "shards" else tmp_path / "model.safetensors")
    latents, text, t = torch.randn(2, 4, 3, 4, 6), torch.randn(2, 5, 24), torch.rand(2, 3)
    places = rotary(3, 2, 3, 24, torch.device("cpu"))
    with torch.no_grad():
        levels = (t * 1000).repeat_interleave(6, dim=1)
        want = theirs(latents, levels, text, return_dict=False)[0]
        features = model.features(model.tokens(latents), t, places, FrameMask(3, 3, 6, causal=False), text)
        made = model.picture(model.cells(features), 2)
    assert (made - want).abs().max() <= 1e-5


def test_names_of_diffusers_stay_as_they_are(theirs: Any) -> None:
    assert {diffusers_name(name) for name in theirs.state_dict()} == set(theirs.state_dict())
    assert set(ours().state_dict()) == set(theirs.state_dict())


def test_weights_that_do_not_fit_are_one_line(theirs: Any, tmp_path: Path) -> None:
    state = {name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}
    file = tmp_path / "model.safetensors"
    save_file(state, file)
    with pytest.raises(GoaltraceError, match="no such weight"):
        load_wan(ours(layers=1), file)
    with pytest.raises(GoaltraceError, match="missing"):
        load_wan(ours(layers=3), file)
    save_file(state | {"proj_out.bias": torch.zeros(3)}, file)
    with pytest.raises(GoaltraceError, match=r"proj_out.bias: is \(3,\)"):
        load_wan(ours(), file)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(GoaltraceError, match="damaged"):
        load_wan(ours(), file)
    with pytest.raises(GoaltraceError, match="no safetensors file"):
        load_wan(ours(), tmp_path / "nothing")
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(GoaltraceError, match="not safetensors"):
        load_wan(ours(), tmp_path / "model.pt")
