# SPDX-License-Identifier: Apache-2.0
"""The example of the slides (seed S1): sin, matrix product, cos."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


@case(source="S1", compiled_for=(80, 90))
def sin_mm_cos(c: Case) -> None:
    """sin -> mm -> cos on two 64x64 matrices."""
    c.input("x", "float32", (64, 64))
    c.input("y", "float32", (64, 64))
    c.contraction = 64 * 8  # cos sees sums of up to 64 products, each up to 2 in size: its absolute error grows with them
    c.tasks(4)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class SinMmCos(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
                return torch.cos(torch.mm(torch.sin(x), y))

        return SinMmCos()
