# SPDX-License-Identifier: Apache-2.0
"""Data-dependent branches that do export: torch.cond."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="S4 work-arounds")
def cond(c: Case) -> None:
    """torch.cond on the sign of a sum: both branches are taken, by values alone."""
    c.input("x", "float32", (8, 16), ValueRange(1, 64, 5))
    c.contraction = 16
    c.call("sum_above_zero", values={"x": ValueRange(1, 64, 5)})
    c.call("sum_below_zero", values={"x": ValueRange(-64, -1, 5)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Branches(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.up = torch.nn.Linear(16, 16)
                self.down = torch.nn.Linear(16, 16)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.cond(x.sum() > 0, lambda t: self.up(t).relu(), lambda t: self.down(t) - 1.0, (x,))

        return Branches()
