# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs that do not lie row by row in memory. What comes out has the strides that eager PyTorch gives it."""

from __future__ import annotations

import typing

from ..case import Case, case

if typing.TYPE_CHECKING:
    import torch


@case(source="SPEC NUM-6", profile="full")
def transposed_input(c: Case) -> None:
    """An input that lies column by column: elementwise work keeps its layout, sums and products read it right."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 7), layout="transposed")
    c.contraction = 9
    c.forward(lambda torch, x: (x * 2 + 1, x.sum(0), x.softmax(1), x.t() @ x, x.contiguous(), x.flatten() + 1))


@case(source="SPEC NUM-6", profile="full")
def every_other_input(c: Case) -> None:
    """An input with a gap after each element: a view of every other column."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 7), layout="every_other")
    c.contraction = 9
    c.forward(lambda torch, x: (x * 2 + 1, x.sum(0), x.amax(1), x @ x.t(), x.reshape(-1) * 3, x.clone()))


@case(source="SPEC NUM-6", profile="full")
def every_other_integer(c: Case) -> None:
    """Places and bytes with gaps between them."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("at", "int64", (rows,), layout="every_other")
    c.input("bytes", "uint8", (rows, 5), layout="every_other")
    c.forward(lambda torch, at, bytes: (torch.arange(8)[at % 8], bytes.long().sum(1), bytes.flip(1), bytes.float() + at[:, None]))


@case(source="SPEC NUM-6", profile="full", on_cuda=True)
def channels_last_input(c: Case) -> None:
    """An image whose channels run fastest: convolution, pooling and batch norm."""
    batch = c.dim("items", min=2, max=4, example=3)
    c.input("x", "float32", (batch, 3, 8, 8), layout="channels_last")
    c.contraction = 27

    @c.model
    def build() -> torch.nn.Module:
        import torch

        return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2))


@case(source="SPEC NUM-6", profile="full")
def channels_last_inside(c: Case) -> None:
    """A model in channels_last whose input and output lie row by row."""
    batch = c.dim("items", min=2, max=4, example=3)
    c.input("x", "float32", (batch, 3, 8, 8))
    c.contraction = 27

    @c.model
    def build() -> torch.nn.Module:
        import torch

        class Inside(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)

            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                inside = self.conv(x.to(memory_format=torch.channels_last)).relu()
                return inside.contiguous(), inside.to(memory_format=torch.channels_last) * 2

        return Inside()


@case(source="SPEC NUM-1, NUM-6", profile="full")
def strided_outputs(c: Case) -> None:
    """Outputs that are transposed, permuted, cut out, expanded and in channels_last."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "float32", (rows, 2, 3, 4))
    c.forward(
        lambda torch, x: (
            (x + 1).transpose(1, 3),
            (x * 2).permute(3, 0, 2, 1),
            (x - 1)[:, 1:, ::2],
            x.sum(0, keepdim=True).expand(6, -1, -1, -1),
            (x * 3).contiguous(memory_format=torch.channels_last),
            (x * 5)[:, 0, 0].t(),
        )
    )


@case(source="SPEC NUM-6", profile="full")
def transposed_products(c: Case) -> None:
    """Products of which the first, the second or both factors lie column by column."""
    inner = c.dim("inner", min=2, max=9, example=4)
    c.input("x", "float32", (5, inner), layout="transposed")
    c.input("y", "float32", (inner, 6), layout="transposed")
    c.contraction = 9
    c.forward(lambda torch, x, y: (x @ y, x.contiguous() @ y, torch.nn.functional.linear(x, y.t()), torch.bmm(x[None], y[None])))


@case(source="SPEC NUM-3, NUM-6", profile="full")
def transposed_complex(c: Case) -> None:
    """Complex numbers that lie column by column."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "complex64", (rows, 5), layout="transposed")
    c.contraction = 9
    c.forward(lambda torch, x: (x * 2, x.sum(0), x.mH @ x, x.contiguous()))


@case(source="SPEC NUM-3, NUM-6", profile="full")
def strided_bfloat16(c: Case) -> None:
    """bfloat16 with gaps and column by column."""
    rows = c.dim("rows", min=2, max=9, example=4)
    c.input("x", "bfloat16", (rows, 6), layout="every_other")
    c.input("y", "bfloat16", (rows, 6), layout="transposed")
    c.contraction = 4
    c.forward(lambda torch, x, y: (x + y, x.float() * y, x.sum(1), y.softmax(0)))
