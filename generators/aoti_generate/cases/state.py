# SPDX-License-Identifier: Apache-2.0
"""Programs that change buffers of their own: each call goes on where the one before it ended."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="S2 3.2: buffers that a program changes")
def counter(c: Case) -> None:
    """Counts its calls and sums up its inputs."""
    c.representative = True
    c.input("x", "float32", (4,))
    c.steps(5)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Counter(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("count", torch.zeros(1, dtype=torch.int64))
                self.register_buffer("total", torch.zeros(4))

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                self.count.add_(1)
                self.total.add_(x)
                return x * self.count, self.total * 1, self.count + 0

        return Counter()


@case(source="SPEC THR-6, NUM-5")
def kv_cache(c: Case) -> None:
    """One token at a time: keys and values of earlier ones are kept in buffers."""
    c.input("position", "int64", (1,), ValueRange(0, 0, 0))
    for name in ("query", "key", "value"):
        c.input(name, "float32", (1, 2, 1, 8))
    c.contraction = 16
    c.steps(4, values=lambda step: {"position": ValueRange(step, step, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Cache(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("keys", torch.zeros(1, 2, 16, 8))
                self.register_buffer("values", torch.zeros(1, 2, 16, 8))

            def forward(self, position: torch.Tensor, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
                self.keys.index_copy_(2, position, key)
                self.values.index_copy_(2, position, value)
                seen = (torch.arange(16, device=position.device) <= position)[None]
                return torch.nn.functional.scaled_dot_product_attention(query, self.keys, self.values, attn_mask=seen)

        return Cache()
