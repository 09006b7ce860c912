# SPDX-License-Identifier: Apache-2.0
"""Control flow that exports: torch.where, and while_loop with no, one and several turns."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="S4 section 2, method 2")
def where(c: Case) -> None:
    """torch.where instead of a branch on a value."""
    rows = c.dim("rows", min=2, max=32, example=4)
    c.input("x", "float32", (rows, 8))

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Where(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.where(x > 0, x * 2, x)

        return Where()


@case(source="SPEC EXP-3")
def while_turns(c: Case) -> None:
    """while_loop whose number of turns is an input: 0, 1 and 7."""
    c.input("turns", "int64", (1,), ValueRange(3, 3, 0))
    c.input("x", "float32", (4, 4))
    c.call("no_turn", values={"turns": ValueRange(0, 0, 0)})
    c.call("one_turn", values={"turns": ValueRange(1, 1, 0)})
    c.call("seven_turns", values={"turns": ValueRange(7, 7, 0)})

    @c.model
    def build() -> torch.nn.Module:
        import torch
        from torch._higher_order_ops.while_loop import while_loop

        class Turns(torch.nn.Module):
            def forward(self, turns: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
                def more(left: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
                    return (left > 0).all()

                def turn(left: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                    return left - 1, value * 0.5 + 1.0

                return while_loop(more, turn, (turns, x))[1]

        return Turns()
