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


@case(source="SPEC NUM-4, DYN-8", profile="full", on_cuda=True)
def bmm(c: Case) -> None:
    """A batched product with a dynamic batch, and one of its transpose."""
    batch = c.dim("batch", min=1, max=9, example=3)
    c.input("x", "float32", (batch, 5, 8))
    c.input("y", "float32", (batch, 8, 4))
    c.contraction = 8
    c.forward(lambda torch, x, y: (torch.bmm(x, y), y.transpose(1, 2) @ x.transpose(1, 2)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def addmm(c: Case) -> None:
    """addmm with factors, with a bias of a row and with one of a whole matrix; beta 0 leaves a NaN in the bias out."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("bias", "float32", (6,))
    c.input("x", "float32", (rows, 8))
    c.input("y", "float32", (8, 6))
    c.contraction = 9
    c.forward(
        lambda torch, bias, x, y: (
            torch.addmm(bias, x, y),
            torch.addmm(bias, x, y, beta=0.5, alpha=-2),
            torch.addmm(x[:, :6], x, y, beta=2),
            torch.addmm(bias * torch.nan, x, y, beta=0),
        )
    )


@case(source="SPEC NUM-4, DYN-8", profile="full")
def baddbmm(c: Case) -> None:
    """baddbmm and addbmm with factors and a dynamic batch."""
    batch = c.dim("items", min=2, max=9, example=3)
    c.input("bias", "float32", (batch, 5, 4))
    c.input("x", "float32", (batch, 5, 8))
    c.input("y", "float32", (batch, 8, 4))
    c.contraction = 73
    c.forward(lambda torch, bias, x, y: (torch.baddbmm(bias, x, y, beta=0.5, alpha=2), torch.addbmm(bias[0], x, y)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def products_with_vectors(c: Case) -> None:
    """Matrix by vector, vector by matrix, dot, outer, addmv and addr."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("m", "float32", (rows, 6))
    c.input("v", "float32", (6,))
    c.input("w", "float32", (rows,))
    c.contraction = 21
    c.forward(lambda torch, m, v, w: (m @ v, w @ m, torch.dot(v, v), torch.outer(w, v), torch.addmv(w, m, v), torch.addr(m, w, v), torch.vdot(w, w)))


@case(source="SPEC NUM-4, DYN-8", profile="full")
def einsum(c: Case) -> None:
    """einsum: a batched product, a trace, a contraction over two letters, a transpose."""
    batch = c.dim("items", min=2, max=6, example=3)
    c.input("x", "float32", (batch, 4, 5))
    c.input("y", "float32", (batch, 5, 4))
    c.contraction = 120
    c.forward(
        lambda torch, x, y: (
            torch.einsum("bij,bjk->bik", x, y),
            torch.einsum("bij,bji->b", x, y),
            torch.einsum("bij,bjk->ik", x, y),
            torch.einsum("bij->jib", x),
            torch.einsum("bii->bi", x @ y),
        )
    )


@case(source="SPEC NUM-4", profile="full")
def tensordot_and_kron(c: Case) -> None:
    """tensordot over two dimensions, the Kronecker product and a chain of three products."""
    c.input("x", "float32", (3, 4, 5))
    c.input("y", "float32", (4, 5, 2))
    c.contraction = 60
    c.forward(
        lambda torch, x, y: (
            torch.tensordot(x, y, 2),
            torch.kron(x[0], y[0]),
            torch.linalg.multi_dot([x[0], y[0], y[:, 0].t()]),
            torch.trace(x[:, :, 0]),
        )
    )


@case(source="SPEC NUM-3, NUM-4", profile="full", on_cuda=True)
def mm_of_bfloat16(c: Case) -> None:
    """A product of bfloat16 over 128 terms, with bias and activation."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "bfloat16", (rows, 128))
    c.contraction = 128

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return torch.nn.Sequential(torch.nn.Linear(128, 24), torch.nn.ReLU(), torch.nn.Linear(24, 5)).bfloat16()


@case(source="SPEC NUM-3, NUM-4", profile="full")
def mm_of_float16(c: Case) -> None:
    """A product of float16 over 128 terms, with bias and activation."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "float16", (rows, 128))
    c.contraction = 128

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return torch.nn.Sequential(torch.nn.Linear(128, 24), torch.nn.ReLU(), torch.nn.Linear(24, 5)).half()


@case(source="SPEC NUM-3, NUM-4", profile="full")
def mm_of_integers(c: Case) -> None:
    """Products of int64, int32 and uint8: exact, and wrapping in uint8."""
    rows = c.dim("rows", min=2, max=20, example=5)
    c.input("x", "int64", (rows, 9))
    c.input("y", "int64", (9, 6))
    c.forward(lambda torch, x, y: (x @ y, x.int() @ y.int(), x.to(torch.uint8) @ y.to(torch.uint8)))


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


@case(source="SPEC NUM-4", profile="full")
def bilinear(c: Case) -> None:
    """nn.Bilinear, and cosine similarity and pairwise distances of its inputs."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 6))
    c.input("y", "float32", (rows, 5))
    c.contraction = 31

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Both(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.both = torch.nn.Bilinear(6, 5, 3)

            def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return self.both(x, y), torch.nn.functional.cosine_similarity(x[:, :5], y), torch.cdist(x[:, :5], y)

        return Both()
