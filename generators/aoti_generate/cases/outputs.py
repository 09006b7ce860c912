# SPDX-License-Identifier: Apache-2.0
"""What may come out: several outputs, integers and bools beside floats."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-1, NUM-6")
def mixed_outputs(c: Case) -> None:
    """Four outputs of four dtypes, one of them a scalar and one not contiguous."""
    c.representative = True
    rows = c.dim("rows", min=2, max=8, example=4)
    c.input("x", "float32", (rows, 6))
    c.contraction = 6 * 8

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Mixed(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return x.double() * 3, (x * 32).to(torch.int64), x > 0, x.sum()

        return Mixed()


@case(source="SPEC NUM-3")
def integers(c: Case) -> None:
    """Integer and bool arithmetic: exact, whatever the dtype."""
    rows = c.dim("rows", min=2, max=8, example=4)
    c.input("a", "int64", (rows, 5))
    c.input("b", "int32", (rows, 5), ValueRange(1, 63, 0))
    c.input("m", "bool", (rows, 5))

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Integers(torch.nn.Module):
            def forward(self, a: torch.Tensor, b: torch.Tensor, m: torch.Tensor) -> tuple[torch.Tensor, ...]:
                quotient = torch.div(a, b, rounding_mode="floor")
                return a * b, quotient, torch.where(m, a, b.to(torch.int64)), m.logical_not(), (a + b).sum(0)

        return Integers()
