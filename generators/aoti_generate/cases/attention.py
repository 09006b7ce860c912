# SPDX-License-Identifier: Apache-2.0
"""Attention, as models use it: dynamic sequences, caches, shared heads, masks of every kind."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-4, DYN-8", profile="full")
def cross_attention(c: Case) -> None:
    """Queries and keys of two lengths, both dynamic, and a dynamic batch."""
    batch, queries, keys = (
        c.dim("batch", min=1, max=3, example=2),
        c.dim("queries", min=2, max=12, example=5),
        c.dim("keys", min=2, max=20, example=7),
    )
    c.input("query", "float32", (batch, 2, queries, 8))
    c.input("key", "float32", (batch, 2, keys, 8))
    c.input("value", "float32", (batch, 2, keys, 8))
    c.contraction = 20
    c.call("as_many", sizes={"queries": 8, "keys": 8})
    c.forward(lambda torch, query, key, value: torch.nn.functional.scaled_dot_product_attention(query, key, value))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def grouped_query_attention(c: Case) -> None:
    """Eight heads of queries that share two of keys and values."""
    sequence = c.dim("sequence", min=2, max=12, example=5)
    c.input("query", "float32", (1, 8, sequence, 4))
    c.input("key", "float32", (1, 2, sequence, 4))
    c.input("value", "float32", (1, 2, sequence, 4))
    c.repeats = "causal_attention"  # the operator is the same, its arguments are not
    c.contraction = 12
    c.forward(lambda torch, query, key, value: torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True))


@case(source="SPEC NUM-3, NUM-4", profile="full", on_cuda=True)
def attention_of_bfloat16(c: Case) -> None:
    """Causal attention in bfloat16, with a scale of its own."""
    sequence = c.dim("sequence", min=2, max=40, example=9)
    for name in ("query", "key", "value"):
        c.input(name, "bfloat16", (1, 2, sequence, 16))
    c.contraction = 40
    c.forward(lambda torch, query, key, value: torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=0.5))


@case(source="SPEC NUM-3, NUM-4", profile="full", on_cuda=True)
def attention_of_float16(c: Case) -> None:
    """Attention in float16 over a dynamic sequence."""
    sequence = c.dim("sequence", min=2, max=40, example=9)
    for name in ("query", "key", "value"):
        c.input(name, "float16", (1, 2, sequence, 16))
    c.contraction = 40
    c.forward(lambda torch, query, key, value: torch.nn.functional.scaled_dot_product_attention(query, key, value))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def attention_by_hand(c: Case) -> None:
    """Attention written with matmul, softmax and a causal mask made from the dynamic length."""
    sequence = c.dim("sequence", min=2, max=20, example=5)
    c.input("x", "float32", (2, sequence, 8))
    c.contraction = 20

    @c.forward
    def forward(torch, x):
        scores = x @ x.transpose(1, 2) / 8**0.5
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return scores.masked_fill(later, -torch.inf).softmax(-1) @ x


@case(source="SPEC NUM-4, DYN-8", profile="full")
def sliding_window_attention(c: Case) -> None:
    """Each position sees itself and the three before it: a mask by subtraction of positions."""
    sequence = c.dim("sequence", min=2, max=20, example=5)
    for name in ("query", "key", "value"):
        c.input(name, "float32", (1, 2, sequence, 8))
    c.contraction = 8

    @c.forward
    def forward(torch, query, key, value):
        places = torch.arange(query.shape[2])
        back = places[:, None] - places
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=(back >= 0) & (back < 4))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def attention_with_lengths(c: Case) -> None:
    """Sequences of a batch that are padded: a mask made from their lengths, which are an input."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "float32", (batch, 10, 8))
    c.input("lengths", "int64", (batch,), ValueRange(1, 10, 0))
    c.contraction = 10

    @c.forward
    def forward(torch, x, lengths):
        seen = (torch.arange(10) < lengths[:, None])[:, None]
        return torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=seen)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def rotary_positions(c: Case) -> None:
    """Rotary position embedding in both of its layouts: halves, and pairs."""
    sequence = c.dim("sequence", min=2, max=20, example=5)
    c.input("x", "float32", (2, sequence, 8))

    @c.forward
    def forward(torch, x):
        angles = torch.arange(x.shape[1])[:, None] * torch.exp2(-torch.arange(4.0))
        cosine, sine = angles.cos(), angles.sin()
        left, right = x.chunk(2, dim=-1)
        even, odd = x[..., ::2], x[..., 1::2]
        pairs = torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1)
        return torch.cat([left * cosine - right * sine, right * cosine + left * sine], dim=-1), pairs.flatten(-2)


@case(source="SPEC NUM-4, DYN-8", profile="full")
def multihead_attention(c: Case) -> None:
    """nn.MultiheadAttention with a padding mask; the averaged weights are an output too."""
    batch = c.dim("items", min=2, max=5, example=3)
    c.input("x", "float32", (batch, 6, 16))
    c.input("padded", "bool", (batch, 5))
    c.contraction = 16

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Attention(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.attend = torch.nn.MultiheadAttention(16, 4, batch_first=True)

            def forward(self, x: torch.Tensor, padded: torch.Tensor) -> tuple[torch.Tensor, ...]:
                # the first position is never padded, so that no row is a softmax over nothing
                attended, weights = self.attend(x, x, x, key_padding_mask=torch.nn.functional.pad(padded, (1, 0)))
                return attended.contiguous(), weights  # eager PyTorch has a way of its own here, with strides of its own

        return Attention()


@case(source="SPEC NUM-4, NUM-5, DYN-8", profile="full")
def attention_over_a_growing_cache(c: Case) -> None:
    """One more token: keys and values of dynamic length come in and go out one longer."""
    past = c.dim("past", min=2, max=20, example=5)
    c.input("token", "float32", (1, 2, 1, 8))
    c.input("keys", "float32", (1, 2, past, 8))
    c.input("values", "float32", (1, 2, past, 8))
    c.contraction = 21

    @c.forward
    def forward(torch, token, keys, values):
        keys, values = torch.cat([keys, token], 2), torch.cat([values, token * 2], 2)
        return torch.nn.functional.scaled_dot_product_attention(token, keys, values), keys, values
