# SPDX-License-Identifier: Apache-2.0
"""Inputs that share a dynamic dimension: equality is part of the contract."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


@case(source="S2 3.3")
def shared_dim(c: Case) -> None:
    """Two inputs with one Dim of 2 to 16; two outputs."""
    c.representative = True
    rows = c.dim("rows", min=2, max=16, example=4)
    c.input("x", "float32", (rows, 3))
    c.input("y", "float32", (rows, 3))
    c.violation("second_of_1_row", input="y", dim=0, size=1)
    c.violation("second_of_5_rows", input="y", dim=0, size=5)

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class SumAndProduct(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return x + y, x * y

        return SumAndProduct()
