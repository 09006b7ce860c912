# SPDX-License-Identifier: Apache-2.0
"""Programs that use the project's own operators (runners/operators.cc), one per kind of schema."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC OPS-1; torch.library: custom operators in C++")
def custom_operators(c: Case) -> None:
    """A tensor, a pair and a list of tensors from operators that take numbers, lists, an absent tensor, a word and a flag."""
    rows = c.dim("rows", min=6, max=24, example=8)
    c.operators = True
    c.contraction = 24
    c.input("x", "float32", (rows, 4))
    c.input("y", "float32", (rows, 4))

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Custom(torch.nn.Module):
            def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
                own = torch.ops.aoti_cts
                total, largest = own.sum_and_max(x, 0)
                first, second = own.pieces(own.scale(x[:6], 0.5), [2, 4])
                mean = own.together([x, y, x + 1], None, "mean", False)
                return own.scale(x, 0.25), total, largest, first, second, mean, own.together([x, y], y, "sum", True)

        return Custom()


@case(source="SPEC OPS-1, ERR-2; torch.library: custom operators in C++", profile="full")
def custom_operator_that_refuses(c: Case) -> None:
    """An operator that throws where an element is not above zero."""
    c.operators = True
    c.input("x", "float32", (4, 6), ValueRange(1, 63, 5))
    c.data_error("not_above_zero", values={"x": ValueRange(-63, 0, 5)})

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Positive(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.ops.aoti_cts.only_positive(x) * 2

        return Positive()
