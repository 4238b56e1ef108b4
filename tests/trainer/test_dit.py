"""What the model promises whatever its weights are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainer.codec.pca import PCACodec
from trainer.config import PRESETS, Config
from trainer.data.actions import FEATURES
from trainer.model.dit import DiT
from trainer.model.pointer_head import REACH, PointerHead
from trainer.objective import Conditions, flow_loss, pointer_cells
from trainer.pretrain import PART, fit_head
from trainer.sample import roll_out


def lively(config: Config) -> DiT:
    """A model whose zero-initialised weights have been moved, so that every path carries something."""
    torch.manual_seed(0)
    model = DiT(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)
    return model.eval()


def inputs(config: Config, batch: int = 2, frames: int = 4) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    data, patch = config.data, config.codec.patch
    shape = (batch, config.codec.channels, frames, data.height // patch, data.width // patch)
    latents = torch.randn(shape, generator=generator)
    history = torch.randn(shape, generator=generator)
    t = torch.rand(batch, frames, generator=generator)
    maps = torch.rand(batch, frames, data.height, data.width, generator=generator)
    actions = torch.randint(0, 3, (batch, frames, data.substeps, len(FEATURES)), generator=generator).byte()
    return latents, t, history, maps, actions


@pytest.mark.parametrize("changed", range(5))
def test_nothing_of_a_future_frame_changes_a_past_one(small: Config, changed: int) -> None:
    model, given_inputs = lively(small), inputs(small)
    other = [part.clone() for part in given_inputs]
    time = 2 if changed in (0, 2) else 1
    later = other[changed].narrow(time, 2, 2)
    later.copy_(later.flip(-1) + 1)
    with torch.no_grad():
        before, after = model(*given_inputs), model(*other)
    assert torch.allclose(before[:, :, :2], after[:, :, :2], atol=1e-5)
    assert not torch.allclose(before[:, :, 2:], after[:, :, 2:], atol=1e-3)


def test_at_step_zero_conditions_change_nothing(small: Config) -> None:
    model = DiT(small)
    torch.nn.init.normal_(model.proj_out.weight)
    latents, t, history, maps, actions = inputs(small)
    with torch.no_grad():
        assert torch.equal(model(latents, t), model(latents, t, history, maps, actions))


def test_an_untrained_model_repeats_the_last_frame(small: Config) -> None:
    latents, _, _, maps, actions = inputs(small)
    made = roll_out(DiT(small), latents[:, :, :1], Conditions(maps, actions), small, seed=0)
    assert torch.allclose(made, latents[:, :, :1].expand_as(made), atol=0.1)


def test_batch_size_does_not_change_the_result(small: Config) -> None:
    model, given_inputs = lively(small), inputs(small, batch=3)
    with torch.no_grad():
        together = model(*given_inputs)
        alone = torch.cat([model(*(part[n : n + 1] for part in given_inputs)) for n in range(3)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_actions_and_pointer_reach_the_picture(small: Config) -> None:
    model, (latents, t, history, maps, actions) = lively(small), inputs(small)
    with torch.no_grad():
        out = model(latents, t, history, maps, actions)
        assert not torch.allclose(out, model(latents, t, history, maps, actions * 0), atol=1e-3)
        assert not torch.allclose(out, model(latents, t, history, maps * 0, actions), atol=1e-3)


def test_dropped_conditions_are_hidden(small: Config) -> None:
    model, (latents, t, history, maps, actions) = lively(small), inputs(small)
    hide = torch.tensor([False, True])
    with torch.no_grad():
        one = model(latents, t, history, maps, actions, hide)
        two = model(latents, t, history, maps.flip(2), actions.flip(1), hide)
    assert torch.equal(one[0], two[0]) and not torch.allclose(one[1], two[1], atol=1e-3)


def test_overfitting_one_batch_lowers_the_loss_a_lot(small: Config) -> None:
    latents, _, _, maps, actions = inputs(small, frames=3)
    torch.manual_seed(0)
    model = DiT(small)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for step in range(120):
        loss = flow_loss(model, latents, Conditions(maps, actions), small.train, seed=0, step=step % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.35 * sum(losses[:4])


def full_rank_codec() -> PCACodec:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (16, 32, 32, 3), generator=generator).byte()
    return PCACodec.fit(noise, 8, 192, 0.5)


def test_the_pointer_head_changes_nothing_away_from_the_pointer() -> None:
    codec = full_rank_codec()
    head = PointerHead(8, 192, 6)
    head.use_codec(codec)
    torch.nn.init.normal_(head.conv_3.weight)
    maps, before = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    maps[0, 0, 20, 40] = before[0, 0, 50, 10] = 1
    history = codec.encode(torch.full((1, 1, 64, 64, 3), 128).byte())
    with torch.no_grad():
        drawn = codec.decode(history + head(history, maps, before)) - codec.decode(history)
        assert not head(history, maps * 0, before * 0).any()
    touched = drawn.abs().amax(-1)[0, 0] > 1e-4
    for row, column in touched.nonzero().tolist():
        assert min(max(abs(row - y), abs(column - x)) for y, x in ((20, 40), (50, 10))) <= REACH
    assert touched[20, 40] and touched[50, 10]


def test_the_pointer_head_learns_to_draw_and_to_erase() -> None:
    generator = torch.Generator().manual_seed(0)
    count = 256
    frames = torch.randint(60, 200, (count, 1, 1, 1, 3), generator=generator).expand(-1, 2, PART, PART, -1).byte()
    frames, maps = frames.clone(), torch.zeros(count, 2, PART, PART)
    places = torch.randint(10, PART - 10, (count, 2, 2), generator=generator)
    for n in range(count):
        for k in range(2):
            y, x = places[n, k]
            frames[n, k, y : y + 3, x : x + 2] = 0
            maps[n, k, y : y + 3, x : x + 2] = 1
    codec, head = full_rank_codec(), PointerHead(8, 192, 8)
    fit_head(head, codec, (frames[:192], maps[:192]), steps=80, seed=0)
    latents = codec.encode(frames[192:])
    with torch.no_grad():
        made = latents[:, :, :1] + head(latents[:, :, :1], maps[192:, 1:], maps[192:, :1])
        error, still = ((part - latents[:, :, 1:]).pow(2).mean() for part in (made, latents[:, :, :1]))
    assert error < 0.25 * still


def test_the_pointer_weight_covers_where_it_is_and_was() -> None:
    maps = torch.zeros(1, 2, 16, 16)
    maps[0, 0, 3, 3] = maps[0, 1, 12, 12] = 0.1
    cells = pointer_cells(maps, 2)[0, 0]
    assert cells.tolist() == [[[1, 0], [0, 0]], [[1, 0], [0, 1]]]


@settings(max_examples=20, deadline=None)
@given(
    patch=st.sampled_from([2, 4]), rows=st.integers(1, 3), columns=st.integers(1, 4), frames=st.integers(1, 3),
    whiten=st.sampled_from([0.0, 0.5, 1.0]),
)  # fmt: skip
def test_pca_is_exact_at_full_rank(patch: int, rows: int, columns: int, frames: int, whiten: float) -> None:
    generator = torch.Generator().manual_seed(patch * 1000 + rows * 100 + columns)
    size = (frames, rows * patch, columns * patch, 3)
    pixels = torch.randint(0, 256, size, generator=generator).byte()
    fitted_on = torch.randint(0, 256, (64, 4 * patch, 4 * patch, 3), generator=generator).byte()
    codec = PCACodec.fit(fitted_on, patch, 3 * patch * patch, whiten)
    again = codec.decode(codec.encode(pixels[None]))[0]
    assert (again * 255 - pixels).abs().max() < 0.1


def test_pca_keeps_the_directions_with_most_variance() -> None:
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (32, 1, 1, 1), generator=generator).expand(-1, 16, 16, 3).byte()
    codec = PCACodec.fit(levels, 8, 1, 0.5)
    assert (codec.decode(codec.encode(levels[None]))[0] * 255 - levels).abs().max() < 0.5


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds(name: str) -> None:
    with torch.device("meta"):
        model = DiT(PRESETS[name])
    assert sum(weight.numel() for weight in model.parameters()) > 500_000
