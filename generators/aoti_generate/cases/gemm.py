# SPDX-License-Identifier: Apache-2.0
"""Matrix products in all their forms, with each of their dimensions dynamic in turn."""

from __future__ import annotations

import typing

from ..case import Case, case
from ..formula import ValueRange

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-4, DYN-8", profile="full")
def mm_of_three_dims(c: Case) -> None:
    """A matrix product of which all three sizes are dynamic."""
    rows, inner, columns = (c.dim(name, min=2, max=20, example=example) for name, example in (("rows", 5), ("inner", 8), ("columns", 6)))
    c.input("x", "float32", (rows, inner))
    c.input("y", "float32", (inner, columns))
    c.contraction = 20
    c.call("square", sizes={"rows": 8, "inner": 8, "columns": 8})
    c.forward(lambda torch, x, y: x @ y)


@case(source="SPEC NUM-3, NUM-4", profile="full")
def mm_of_bfloat16(c: Case) -> None:
    """A product of bfloat16 over 128 terms, with bias and activation."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "bfloat16", (rows, 128))
    c.contraction = 128

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return torch.nn.Sequential(torch.nn.Linear(128, 24), torch.nn.ReLU(), torch.nn.Linear(24, 5)).bfloat16()


@case(source="SPEC NUM-4", profile="full")
def int8_mm(c: Case) -> None:
    """torch._int_mm: int8 by int8 into int32, at both ends of the range."""
    c.input("x", "int8", (32, 64), ValueRange(-128, 127, 0))
    c.input("y", "int8", (64, 16), ValueRange(-128, 127, 0))
    c.call("extremes", values={"x": ValueRange(-128, -128, 0), "y": ValueRange(-128, -128, 0)})
    c.forward(lambda torch, x, y: torch._int_mm(x, y))


@case(source="SPEC NUM-6, DYN-8", profile="full")
def products_of_nothing(c: Case) -> None:
    """Products of no rows, of no columns, and over no terms, which are zeros."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 0))
    c.input("y", "float32", (0, 5))
    c.input("z", "float32", (0, 3, 4))
    c.forward(lambda torch, x, y, z: (x @ y, torch.addmm(y.new_ones(5), x, y), y @ y.new_ones(5, 2), z @ z.transpose(1, 2)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def one_row(c: Case) -> None:
    """A product whose rows range from 1: a product with a vector at its lower end."""
    batch = c.dim("batch", min=1, max=33, example=4)
    c.input("x", "float32", (batch, 16))
    c.input("y", "float32", (16, 1))
    c.contraction = 16
    c.forward(lambda torch, x, y: (x @ y, x.t() @ x))
