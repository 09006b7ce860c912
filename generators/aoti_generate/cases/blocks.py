# SPDX-License-Identifier: Apache-2.0
"""Layers that models are made of: a convolution block, attention."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-4")
def conv_block(c: Case) -> None:
    """Convolution, batch norm and ReLU with a dynamic batch."""
    c.representative = True
    batch = c.dim("batch", min=1, max=8, example=2)
    c.input("x", "float32", (batch, 3, 16, 16))
    c.contraction = 27

    @c.model
    def build() -> torch.nn.Module:
        from torch import nn

        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())


@case(source="SPEC NUM-4")
def causal_attention(c: Case) -> None:
    """Causal scaled dot product attention with a dynamic sequence."""
    sequence = c.dim("sequence", min=2, max=64, example=8)
    for name in ("query", "key", "value"):
        c.input(name, "float32", (1, 2, sequence, 16))
    c.contraction = 64

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Attention(torch.nn.Module):
            def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)

        return Attention()


@case(source="S2 9.2: 'arbitrary masks' are said not to export")
def masked_attention(c: Case) -> None:
    """Attention with an arbitrary boolean mask, which comes as an input."""
    for name in ("query", "key", "value"):
        c.input(name, "float32", (1, 2, 8, 16))
    c.input("mask", "bool", (8, 8))
    c.contraction = 64
    c.call("all_seen", values={"mask": ValueRange(1, 1, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Attention(torch.nn.Module):
            def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                # every row sees at least its own position, so that no row is a softmax over nothing
                seen = mask | torch.eye(8, dtype=torch.bool, device=mask.device)
                return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)

        return Attention()


@case(source="S2 9.2: 'arbitrary masks' are said not to export", profile="full")
def biased_attention(c: Case) -> None:
    """Attention with an additive mask of floats, and a dynamic sequence that is a dim of the mask twice."""
    sequence = c.dim("sequence", min=2, max=32, example=8)
    for name in ("query", "key", "value"):
        c.input(name, "float32", (1, 2, sequence, 16))
    c.input("bias", "float32", (sequence, sequence))
    c.contraction = 64

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Attention(torch.nn.Module):
            def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
                return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)

        return Attention()
