"""Guarantees of the mask: it hides what it says, counts what is computed, and every kernel obeys it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from trainer.model.attention import FrameMask, attention, dense_mask, visible

CPU = torch.device("cpu")
masks = st.builds(
    lambda past, **rest: FrameMask(key_frames=past + rest["query_frames"], **rest),
    past=st.integers(0, 3),
    query_frames=st.integers(1, 3),
    picture=st.integers(1, 3),
    late=st.integers(0, 2),
    window=st.integers(0, 3),
    lag=st.integers(0, 2),
    causal=st.booleans(),
)


@given(mask=masks)
def test_a_token_sees_its_own_frame_and_earlier_ones_in_the_window(mask: FrameMask) -> None:
    seen, each = dense_mask(mask, CPU), mask.picture + mask.late
    for query in range(mask.queries):
        for key in range(mask.keys):
            back = query // each + mask.key_frames - mask.query_frames - key // each
            action = key % each >= mask.picture
            want = back >= 0 and (not mask.window or back < mask.window) and (not action or back <= mask.lag)
            assert bool(seen[query, key]) == (want or not mask.causal)


@given(mask=masks)
def test_the_pairs_that_are_counted_are_those_of_the_mask(mask: FrameMask) -> None:
    seen = dense_mask(mask, CPU)
    assert mask.pairs() == int(seen.sum())
    assert not mask.hides_nothing or bool(seen.all())


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@settings(max_examples=8, deadline=None)
@given(mask=masks)
def test_flex_attention_obeys_the_same_rule(mask: FrameMask) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, mask.queries, 2, 16, generator=generator)
    key, value = (torch.randn(1, mask.keys, 2, 16, generator=generator) for _ in range(2))
    blocks = create_block_mask(lambda b, h, q, k: mask.sees(q, k), None, None, mask.queries, mask.keys, device="cpu")
    flex = flex_attention(*(x.transpose(1, 2) for x in (query, key, value)), block_mask=blocks)
    assert torch.allclose(attention(query, key, value, visible(mask, CPU)), flex.transpose(1, 2).flatten(2), atol=1e-5)
